/** What a tapped notification asks for. Its data came over the network: texts are taken, addresses are made here. */
import type { MessageData, PostData } from '../../src/domain/app-api.ts'
import type { ReceivedNotification, TapResponse } from './device.ts'

const DEFAULT_ACTION = 'expo.modules.notifications.actions.DEFAULT'

interface TapBasics {
  title: string | null
  body: string | null
  /** Of a button on the notification; undefined for the notification itself. */
  action: string | undefined
  userText: string | undefined
  data: Record<string, unknown>
}
export type PostTap = TapBasics & PostData
export type MessageTap = TapBasics & MessageData
export type OtherTap = TapBasics & { screen: undefined }

/** Distinguished by `screen`; what is not Belfry's own has none and keeps everything in `data`. */
export type Tap = PostTap | MessageTap | OtherTap

export function tapOf({ notification, actionIdentifier, userText }: TapResponse): Tap {
  const data = dataOf(notification)
  const { title, body } = notification.request.content
  const action = actionIdentifier === DEFAULT_ACTION ? undefined : actionIdentifier
  const basics = { title, body, action, userText, data }
  const has = (...names: string[]) => names.every((name) => textIn(data, name) !== undefined)
  if (data.screen === 'post_detail' && has('post_id', 'notification_id'))
    return { ...basics, ...(data as never as PostData) }
  if (data.screen === 'messages' && has('message_id', 'sender_id', 'notification_id'))
    return { ...basics, ...(data as never as MessageData) }
  return { ...basics, screen: undefined }
}

/** `{ post_detail: '/posts/[post_id]' }`: the path for a screen, with texts of the data in it; none if one is missing. */
export function pathOf({ action, data }: Tap, routes: Record<string, string>): string | undefined {
  const screen = textIn(data, 'screen')
  if (action !== undefined || screen === undefined || !Object.hasOwn(routes, screen)) return undefined
  let isComplete = true
  const path = routes[screen]!.replace(/\[(\w+)\]/g, (_, name: string) => {
    const value = textIn(data, name)
    isComplete &&= value !== undefined
    return encodeURIComponent(value ?? '')
  })
  return isComplete ? path : undefined
}

/** The same for a repeat, and for the same tap heard twice. */
export function identityOf({ notification, actionIdentifier }: TapResponse): string {
  return `${notificationIdOf(notification) ?? notification.request.identifier} ${actionIdentifier}`
}

export function notificationIdOf(notification: ReceivedNotification): string | undefined {
  return textIn(dataOf(notification), 'notification_id')
}

export function dataOf({ request }: ReceivedNotification): Record<string, unknown> {
  return request.content.data ?? {}
}

function textIn(data: Record<string, unknown>, name: string): string | undefined {
  const value = Object.hasOwn(data, name) ? data[name] : undefined
  return typeof value === 'string' && value !== '' && value.length <= 200 ? value : undefined
}
