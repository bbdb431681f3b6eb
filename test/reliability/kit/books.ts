/** What the program has written down, read past it: by SQL over the ledger, the push tokens and the queue. */
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { query } from '../../kit/postgres.ts'
import type { World } from './world.ts'

export interface Books {
  notifications: { id: string; lane: string; state: string; chunks: number; chunks_done: number; created: number }[]
  deliveries: Delivery[]
  /** id, token, active, reason */
  tokens: [number, string, boolean, string | null][]
  jobs: { name: string; state: string; count: number }[]
  alarms: { kind: string; device_type: string; open: boolean }[]
  parked: number
  refusals: number
  /** Promise 4, added up by the database: notifications whose books do not balance. */
  unbalanced: number
}

export interface Delivery {
  id: number
  notification_id: string
  chunk: number
  part: number | null
  state: number
  recipients: number
  token_ids: number[]
  results: number[] | null
  ticket_ids: (string | null)[] | null
  ambiguous: number
  deaths: number
  late: boolean
}

const SUMS = `select 1 from belfry.deliveries where not late group by notification_id having sum(recipients) <>
  coalesce(sum(recipients) filter (where state < 2), 0) + sum(accepted + refused + skipped + expired + cancelled + unknown)
  or sum(accepted) < sum(handed_over + failed + no_receipt)`

/** Read past the program: what it keeps as bytes, in the words of Expo. */
const TICKET_IDS = `case when ticket_uuids is null then to_json(ticket_ids) else (
  select json_agg(nullif(encode(substring(ticket_uuids from 16 * n - 15 for 16), 'hex')::uuid,
    '00000000-0000-0000-0000-000000000000') order by n)
  from generate_series(1, recipients) n) end as ticket_ids`

const READ = `select json_build_object(
  'notifications', (select coalesce(json_agg(n), '[]') from (
    select id, lane, state, chunks, chunks_done, extract(epoch from created_at) * 1000 as created
    from belfry.notifications) n),
  'deliveries', (select coalesce(json_agg(d), '[]') from (
    select id, notification_id, chunk, part, state, recipients, token_ids, results, ${TICKET_IDS}, ambiguous, deaths, late
    from belfry.deliveries) d),
  'tokens', (select coalesce(json_agg(json_build_array(id, token, active, inactive_reason)), '[]') from belfry.push_tokens),
  'jobs', (select coalesce(json_agg(j), '[]') from (
    select name, state::text as state, count(*)::int as count from belfry_queue.job
    where name not like '\\_\\_%' group by 1, 2) j),
  'alarms', (select coalesce(json_agg(a), '[]') from (
    select kind, device_type, resolved_at is null as open from belfry.alarms) a),
  'parked', (select count(*) from belfry.parked),
  'refusals', (select count(*) from belfry.refusals),
  'unbalanced', (select count(*) from (${SUMS}) s)) as books`

/** On PGlite the program must have ended: nobody else may open its folder. */
export async function readBooks(world: World): Promise<Books> {
  if (world.databaseUrl !== undefined) return (await query<{ books: Books }>(world.databaseUrl, READ))[0]!.books
  // In a process of its own: opening one takes a second, in which this one would be deaf.
  const reader = join(import.meta.dirname, 'read-folder.ts')
  const asked = [reader, join(world.folder, 'data', 'pgdata'), READ]
  const { stdout } = await promisify(execFile)(process.execPath, asked, { maxBuffer: 1 << 30 })
  return (JSON.parse(stdout) as { books: Books }[])[0]!.books
}
