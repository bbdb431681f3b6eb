export type {
  DeviceType,
  MessageData,
  PostData,
  PushTokenRegistration,
  PushTokenRemoval,
  Refusal,
} from '../../src/domain/app-api.ts'
export { Belfry, type BelfryOptions } from './belfry.ts'
export type { Device, Notifications, ReceivedNotification, Storage } from './device.ts'
export { BelfryProvider, type UseBelfry, useBelfry, useViewing } from './react.ts'
export type { Trouble } from './server.ts'
export type { BelfryState, Permission, Registration } from './state.ts'
export { type MessageTap, type OtherTap, type PostTap, pathOf, type Tap } from './taps.ts'
