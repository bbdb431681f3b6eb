/** What an error of the database says: that it is away, that somebody was in the way, or else that a statement was wrong. */

const AWAY_CODES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'EHOSTDOWN',
  'ENETUNREACH',
  'ENETDOWN',
  'ECONNABORTED',
  'ENOENT',
])
/**
 * PostgreSQL's classes 08 (connection), 53 (out of connections, memory, disk), 57 (shutting down, starting, or a statement that took
 * longer than the database allows) and 58 (its files); 25006, a database that is only read from: a standby, or a full disk at a host;
 * and its other limits of time: 25P03 and 25P04 for a transaction, 55P03 for a lock.
 */
const AWAY_STATES = /^(08|53|57|58|25006|25P03|25P04|55P03)/
/** What `pg` throws without a code. */
const AWAY_TEXT =
  /connection terminated|timeout exceeded when trying to connect|query read timeout|client has encountered a connection error|connection has been discarded|PGlite is clos/i

export function isDatabaseAway(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  const code = codeOf(error)
  if (code !== undefined && (AWAY_CODES.has(code) || AWAY_STATES.test(code))) return true
  return AWAY_TEXT.test(error.message) || isDatabaseAway(error.cause)
}

const codeOf = (error: unknown) => (error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined)

/** Two transactions stood in each other's way, and the database let one go: the same again may work at once. */
const COLLISIONS = new Set(['40P01', '40001'])

export function isCollision(error: unknown): boolean {
  return COLLISIONS.has(codeOf(error) ?? '')
}

/** What is behind this connection can only be read from: it has become a standby, perhaps, and a new connection finds the primary. */
export function isReadOnly(error: unknown): boolean {
  return codeOf(error) === '25006'
}

/** All its connections are taken, or all that this user or database may have. */
export function isFull(error: unknown): boolean {
  return codeOf(error) === '53300'
}

/** A row with this key is there already. */
export function isTaken(error: unknown): boolean {
  return codeOf(error) === '23505'
}

/** The lock_timeout has passed: somebody else holds a table. */
export function isLocked(error: unknown): boolean {
  return codeOf(error) === '55P03'
}

/** A migration could not be made; the database is as it was. */
export class DatabaseLocked extends Error {
  constructor() {
    super('Somebody holds a table that is to be changed: a backup, perhaps. Try again when it has ended.')
  }
}

/** The database answers, and does not let this user in; the sentence says what to do about it. */
export class DatabaseRefused extends Error {
  constructor(error: unknown, hint: string) {
    super(`The database does not let Belfry in (${(error as Error).message}). ${hint}`)
  }
}

/** The embedded database: what is wrong with it is known to PGlite alone, which does not say. */
export class DatabaseUnopened extends Error {
  constructor(dataDir: string, error: unknown) {
    const why = error instanceof Error ? error.message : String(error)
    super(
      `The database in the data folder ${dataDir} cannot be opened (${why}). Is the disk full? Make room, and start again. If it is not, the folder is damaged: restore a backup.`,
    )
  }
}

/** What a person can do about a PostgreSQL that answers and refuses; undefined: it is something else. */
export function hintOfRefusal(error: unknown): string | undefined {
  const code = codeOf(error) ?? ''
  if (code.startsWith('28')) return 'Check user and password in DATABASE_URL.'
  if (code === '3D000') return 'Create this database, or name another one in DATABASE_URL.'
  if (code === '42501') return IS_OF_OTHERS.test((error as Error).message) ? NOT_OURS : NOT_MADE
  return undefined
}

/** Said of a table or schema, not of the database. Where messages are not English, the other hint is given: its case is more likely. */
const IS_OF_OTHERS = /^(must be owner of|permission denied for (?!database))/
const NOT_MADE = 'Let the user create schemas in this database.'
const NOT_OURS =
  "Belfry's tables are there, and belong to another user: name that one in DATABASE_URL, or make this one their owner."
