/** May we ring? Asked of the system, never of the person, unless the app says so. */
import type { Device, PermissionAnswer } from './device.ts'
import type { Permission } from './state.ts'

/** Both documents' pushes name this channel. */
const CHANNEL = 'default'
const IMPORTANCE_MAX = 7
/** iOS's quiet permission: delivered to the list, without having asked. */
const IOS_PROVISIONAL = 3

export interface AskOptions {
  /** The channel's name in Android's settings. */
  channelName?: string
  /** iOS: quiet pushes at once, and the question later, from the first notification itself. */
  provisional?: boolean
}

export async function readPermission(
  device: Device,
  { channelName = 'Notifications' }: AskOptions,
): Promise<Permission> {
  const { notifications } = device
  if (device.unsupported || !notifications || device.platform === 'other') return 'unsupported'
  // Android 13 shows no question before there is a channel, and pushes without theirs are silent.
  if (device.platform === 'android')
    await notifications.setNotificationChannelAsync(CHANNEL, { name: channelName, importance: IMPORTANCE_MAX })
  return permissionIn(await notifications.getPermissionsAsync())
}

export async function askPermission(device: Device, options: AskOptions): Promise<Permission> {
  const before = await readPermission(device, options)
  if (before === 'unsupported' || before === 'granted') return before
  const { provisional = false } = options
  const ios = { allowAlert: true, allowBadge: true, allowSound: true, allowProvisional: provisional }
  return permissionIn(await device.notifications!.requestPermissionsAsync({ ios }))
}

function permissionIn({ status, granted, ios }: PermissionAnswer): Permission {
  if (ios?.status === IOS_PROVISIONAL) return 'provisional'
  if (granted) return 'granted'
  return status === 'denied' ? 'denied' : 'undetermined'
}
