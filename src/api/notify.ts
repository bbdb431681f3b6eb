/** What posts, messages and test pushes have in common. */
import type { ExpoOptions } from '../domain/notification.ts'
import type { Db } from '../store/db.ts'
import { findUser } from '../store/users.ts'
import type { User } from './jwt.ts'

/** As both documents send it. */
export const soundedLikeTheDocuments = {
  sound: 'default',
  priority: 'high',
  channelId: 'default',
} satisfies ExpoOptions

/** The name in the token, or the one that an earlier token told. */
export async function nameOfUser(db: Db, user: User): Promise<string | null> {
  return user.name ?? (await findUser(db, user.id))?.name ?? null
}
