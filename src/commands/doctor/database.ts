import { placeOfPostgres } from '../../config/values.ts'
import type { Config } from '../../config.ts'
import { hintOfRefusal, isFull } from '../../store/database/away.ts'
import { hintOfEncoding } from '../../store/database/encoding.ts'
import { hintOfEncryption } from '../../store/database/encryption.ts'
import { FolderMoved, isHere } from '../../store/database/moved-folder.ts'
import { type Look, lookAtFolder, lookAtPostgres } from '../../store/look.ts'
import { clock, type Finding, fault, fine, reasonOf, TIMEOUT_MS, warn } from './finding.ts'

/** Nothing is changed: migrations are left to the next start. */
export async function database({ settings, secrets }: Config): Promise<Finding[]> {
  const { dataDir, databaseSchema } = settings
  try {
    if (secrets.databaseUrl === undefined) return await embedded(dataDir, databaseSchema)
    const found = await lookAtPostgres(secrets.databaseUrl, databaseSchema, TIMEOUT_MS)
    const { host, name } = placeOfPostgres(secrets.databaseUrl)
    return [
      ...tables(`PostgreSQL ${found.version} at ${host}/${name}, schema ${databaseSchema}`, found),
      ...leftBehind(found, dataDir),
      clock('clock', "The database's clock", found.aheadMs),
    ]
  } catch (error) {
    if (secrets.databaseUrl === undefined) return [unreached(error, dataDir)]
    return [unreached(error, placeOfPostgres(secrets.databaseUrl).host, hintOfEncryption(error))]
  }
}

/** Where everybody began, and nobody has come from. */
function leftBehind({ hasNobody }: Look, dataDir: string): Finding[] {
  if (!hasNobody || !isHere(dataDir)) return []
  return [warn('database', `It has no users, and there is an embedded database in ${dataDir}`, HINT_TO_MOVE)]
}

async function embedded(dataDir: string, schema: string): Promise<Finding[]> {
  const seen = await lookAtFolder(dataDir, schema)
  if (seen.kind === 'absent')
    return [fine('database', `Embedded (PGlite), in ${dataDir}: the first start will make it`)]
  if (seen.kind === 'gone') {
    const { says, hint } = new FolderMoved(dataDir, seen.where)
    return [fault('database', `Embedded (PGlite): the database in ${dataDir} ${says}`, hint)]
  }
  if (seen.kind === 'free') return tables(`Embedded (PGlite), in ${dataDir}`, seen.look)
  const who = seen.pid === null ? 'a process that does not say its pid' : `process ${seen.pid}`
  return [fine('database', `Embedded (PGlite), in ${dataDir}: in use by ${who}, which answers for it`)]
}

const LEAST_POSTGRES = 14

function tables(what: string, { version, tables: state, migrations, mayCreate, ...of }: Look): Finding[] {
  if (Number.parseInt(version, 10) < LEAST_POSTGRES)
    return [fault('database', `${what} is too old`, `Expected PostgreSQL ${LEAST_POSTGRES} or newer.`)]
  const hint = hintOfEncoding(of.encoding)
  if (hint !== undefined) return [fault('database', `${what} keeps text as ${of.encoding}`, hint)]
  if (of.isReadOnly) return [fault('database', `${what} can only be read from`, 'Name the primary in DATABASE_URL.')]
  if (state === 'newer') {
    const says = `${what}: written by a newer version of Belfry (${migrations.theirs}; this one knows ${migrations.ours})`
    return [
      warn(
        'database',
        says,
        'Start the newer version, or restore a backup. A server that may run beside it says so at its start.',
      ),
    ]
  }
  if (state === 'older') {
    const says = `${what}: as an older version left it (${migrations.theirs}; this one brings ${migrations.ours})`
    return [warn('database', says, 'The next start brings it up to date; "belfry migrate" does it without a start.')]
  }
  if (state === 'current') return [fine('database', `${what}: up to date (${migrations.ours})`)]
  if (mayCreate) return [fine('database', `${what}: the first start will make it`)]
  return [
    fault(
      'database',
      `${what}: not made yet, and this user may not make it`,
      'Let the user create schemas in this database.',
    ),
  ]
}

function unreached(error: unknown, place: string, hint = HINT): Finding {
  const says = (what: string) => `The database at ${place} ${what} (${reasonOf(error)})`
  const refusal = hintOfRefusal(error)
  if (refusal !== undefined) return fault('database', says('does not let Belfry in'), refusal)
  if (isFull(error)) return fault('database', says('takes no more connections'), FULL)
  return fault('database', says('does not answer'), hint)
}

const FULL =
  'Let other programs hold fewer, or raise its max_connections; roles and databases can have a CONNECTION LIMIT of their own. A server waits meanwhile.'
const HINT_TO_MOVE = 'Push tokens that were registered there are not here; "belfry move" brings them.'
const HINT = 'Is it running, and does this machine reach it? DATABASE_URL says where it is.'
