/** What would be sent, and to how many: nothing is written, and nobody is told. */

import { buildRequest } from '../../domain/messages/messages.ts'
import type { Audience, Content, Recipient } from '../../domain/notification.ts'
import type { Platform } from '../../domain/platform.ts'
import type { Db } from '../../store/database/db.ts'
import { type AudienceGroup, countAudience } from '../../store/views/audience.ts'

export async function dryRun(count: AudienceCount, audience: Audience, content: Content, ratePerSecond: number) {
  const groups = await count(audience)
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

export type AudienceCount = (audience: Audience) => Promise<AudienceGroup[]>

/** Millions take some seconds, and who composes asks again with each pause in typing: a count that is being made answers all of them. */
export function openAudienceCount(db: Db): AudienceCount {
  const counting = new Map<string, Promise<AudienceGroup[]>>()
  return (audience) => {
    const name = JSON.stringify(audience)
    const count = counting.get(name) ?? countAudience(db, audience).finally(() => counting.delete(name))
    counting.set(name, count)
    return count
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
