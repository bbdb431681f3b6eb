/** What the app and the server say to each other about one device: types only, so that the client can share them. */

export type DeviceType = 'ios' | 'android'

/** `POST /api/users/push-token` */
export interface PushTokenRegistration {
  push_token: string
  device_type: DeviceType
  installation_id?: string
  project_id?: string
  locale?: string
  time_zone?: string
  app_version?: string
}

/** `DELETE /api/users/push-token`: one of the two, or both. */
export interface PushTokenRemoval {
  push_token?: string
  installation_id?: string
}

/** `POST /api/notifications/{id}/opened` answers no more than this. */
export interface Done {
  success: true
  message?: string
}

/** Every error, on every route. */
export interface Refusal {
  success: false
  error: string
  code: string
  hint?: string
}

/** What the pushes of posts and messages carry in `data`. */
export interface PostData {
  screen: 'post_detail'
  post_id: string
  notification_id: string
}
export interface MessageData {
  screen: 'messages'
  message_id: string
  message_type: string
  sender_id: string
  notification_id: string
}
