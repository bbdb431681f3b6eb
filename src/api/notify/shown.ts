import { maskPushTokensIn } from '../../domain/push-token.ts'
import type { NotificationRow } from '../../store/views/notifications.ts'

/** What every answer about a notification says of it. */
export function shownNotification(row: NotificationRow) {
  const { audience } = row
  return {
    id: row.id,
    kind: row.kind,
    lane: row.lane,
    to:
      'users' in audience
        ? { users: audience.users.length }
        : 'topic' in audience
          ? { topic: audience.topic }
          : 'everyone',
    except: audience.except?.length ?? 0,
    title: row.content.title ?? null,
    body: row.content.body ?? null,
    created_by: row.created_by,
    created_at: row.created_at.toISOString(),
    send_at: row.send_at?.toISOString() ?? null,
    expires_at: row.expires_at.toISOString(),
    finished_at: row.finished_at?.toISOString() ?? null,
    state: row.state,
    scheduled: row.scheduled,
    skip_reason: row.skip_reason,
    postponed: row.postponed === null ? null : maskPushTokensIn(row.postponed),
    estimated: row.estimated,
  }
}
