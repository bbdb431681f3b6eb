/** What would be sent, and to how many: nothing is written, and nobody is told. */

import { buildRequest } from '../../domain/messages/messages.ts'
import type { Audience, Content, Recipient } from '../../domain/notification.ts'
import type { Platform } from '../../domain/platform.ts'
import type { Db } from '../../store/database/db.ts'
import { countAudience } from '../../store/views/notifications.ts'

export async function dryRun(db: Db, audience: Audience, content: Content, ratePerSecond: number) {
  const groups = await countAudience(db, audience)
  const active = groups.filter((group) => !group.suspended)
  const of = (platform: Platform | null) => active.find((group) => group.device_type === platform)?.devices ?? 0
  const devices = active.reduce((sum, group) => sum + group.devices, 0)
  const suspended = groups.filter((group) => group.suspended).reduce((sum, group) => sum + group.devices, 0)
  return {
    success: true,
    dry_run: true,
    audience: { devices, ios: of('ios'), android: of('android'), unknown: of(null), suspended },
    seconds: ratePerSecond > 0 ? Math.ceil(devices / ratePerSecond) : null,
    preview: [...preview(content)],
  }
}

/** The message objects that Expo would get, one for each platform, without anybody's push token. */
function* preview(content: Content) {
  const notificationId = (content.data?.notification_id as string | undefined) ?? ''
  for (const deviceType of ['ios', 'android'] as const) {
    const recipient: Recipient = {
      id: 0,
      token: 'ExponentPushToken[…]',
      deviceType,
      locale: null,
      project: null,
      suspended: false,
    }
    yield* buildRequest([{ notificationId, content, recipients: [recipient] }]).messages
  }
}
