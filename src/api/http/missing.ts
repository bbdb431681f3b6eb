/** What somebody looked for by its id, and where they find the ids that there are. */
import { Fault } from './faults.ts'

const users = 'GET /api/operator/tokens tells who has devices; so does "belfry tokens list".'
const things = {
  notification: [
    'There is no notification with this id',
    'GET /api/notifications tells which there are; so does "belfry notifications list".',
  ],
  'notification for you': ['There is no notification with this id for you', undefined],
  'message for you': ['There is no message with this id for you', undefined],
  post: ['There is no post with this id', 'GET /api/posts/ tells which there are.'],
  key: ['There is no key with this id', 'GET /api/operator/keys tells which there are; so does "belfry keys list".'],
  user: ['There is no user with this id', users],
  'trace of a user': ['Nothing is known of a user with this id', users],
  'open alarm': ['There is no open alarm with this id', 'GET /api/operator/alarms tells which there are.'],
} as const
export type Thing = keyof typeof things

export function missing(thing: Thing): Fault {
  const [sentence, hint] = things[thing]
  return new Fault('not_found', { sentence, ...(hint !== undefined && { hint }) })
}
