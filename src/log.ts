/** The log: JSON lines. Facts come in typed, and are worded here and nowhere else; no secret is ever whole in a line. */
import { AsyncLocalStorage } from 'node:async_hooks'
import { type Logger, pino } from 'pino'
import type { LogLevel } from './config.ts'
import { maskPushToken, maskPushTokensIn } from './domain/push-token.ts'
import type { Emit, Facts } from './ports.ts'

export type Log = Logger

/** Characters. Lines are written in the background, so that a slow reader of stdout slows nobody; one that stops reading loses lines. */
const MOST_UNWRITTEN = 4_000_000
/** Lines are written together: as soon as they have so many characters, or after so long. */
const WRITTEN_AT_ONCE = 4_096
const WRITTEN_AFTER_MS = 50

const OPEN_APP_HINT = 'The user needs to open the app once so that it registers a token.'

export function openLog(level: LogLevel, destination?: { write(line: string): void }): Log {
  const options = {
    level,
    base: { pid: process.pid },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    serializers: { err: describeError },
    mixin: ofThisRequest,
  }
  return pino(
    options,
    destination ??
      pino.destination({
        sync: false,
        minLength: WRITTEN_AT_ONCE,
        periodicFlush: WRITTEN_AFTER_MS,
        maxLength: MOST_UNWRITTEN,
      }),
  )
}

/** The request that is being answered in this asynchronous context. */
const answering = new AsyncLocalStorage<string>()

/** Every line that is logged while `go` runs, and what it sets off, carries the request's id. */
export function inRequest(id: string, go: () => void): void {
  answering.run(id, go)
}

/** A request's own log carries it already. */
function ofThisRequest(_fields: object, _level: number, log: Logger): object {
  const reqId = answering.getStore()
  return reqId === undefined || 'reqId' in log.bindings() ? {} : { reqId }
}

type Line = [level: 'debug' | 'info' | 'warn' | 'error', msg: string, fields: object]
type Wording = { [Name in keyof Facts]: (fact: Facts[Name], reachHint: string) => Line }

/** The texts with emoji, and the ones after "Failed", "Error" and "Removed", are the two documents' own. */
const wording: Wording = {
  'request.settled': ({ accepted, refused, codes, ...rest }) => {
    const fields = { accepted, refused, ...rest, ...(refused > 0 && { codes }) }
    return accepted > 0
      ? ['info', `✅ Push notification sent successfully: ${accepted} tickets`, fields]
      : ['warn', `Expo refused all ${refused} recipients of a request`, fields]
  },
  'request.refused': ({ message, ...rest }) => [
    'error',
    `Failed to send batch: ${maskPushTokensIn(message)}`,
    { ...rest, ...(rest.status === 401 || rest.status === 403 ? { hint: 'Check EXPO_ACCESS_TOKEN.' } : {}) },
  ],
  'request.failed': ({ reason, ...rest }, hint) =>
    rest.status === undefined
      ? ['error', `Error sending push notifications: ${maskPushTokensIn(reason)}`, { ...rest, hint }]
      : ['error', `Failed to send batch: ${maskPushTokensIn(reason)}`, { ...rest, hint: 'It will be tried again.' }],
  'recipients.unknown': ({ lane, count }) => [
    'warn',
    `Whether ${count} devices were reached is not known, and they will not be tried again`,
    { lane, count },
  ],
  'notifications.ended': (fact) => ['debug', 'Notifications have ended', fact],
  'receipts.settled': (fact) => ['debug', "Expo's receipts were written down", fact],
  'receipts.failed': ({ reason, ...rest }, hint) => [
    'warn',
    `Expo's receipts could not be fetched, and will be asked for again: ${maskPushTokensIn(reason)}`,
    { ...rest, hint },
  ],
  'user.notified': ({ userId, notificationId, devices }) => [
    'info',
    `🔔 Push notification sent to user ${userId}`,
    { user_id: userId, notification_id: notificationId, devices },
  ],
  'user.without_token': ({ userId, notificationId }) => [
    'warn',
    `⚠️ No push token found for user ${userId}`,
    { user_id: userId, ...(notificationId !== '' && { notification_id: notificationId }), hint: OPEN_APP_HINT },
  ],
  'token.retired': ({ pushToken, stage }) => [
    'info',
    `Removed invalid token: ${maskPushToken(pushToken)}`,
    { stage, hint: 'It comes back when the app registers it again.' },
  ],
  'tokens.suspended': ({ project, count }) => [
    'error',
    `${count} push tokens suspended: Expo says that the app's push credentials are not valid`,
    { project, hint: "Renew the app's Apple or Google push key in its credentials at Expo." },
  ],
  'tokens.restored': ({ project, deviceType, count }) => [
    'info',
    `${count} suspended push tokens are back: a notification to one of them got through`,
    { project, device_type: deviceType },
  ],
  'flood.held': ({ project, gone }) => [
    'error',
    `Expo calls so many push tokens dead that none is believed: ${gone} within an hour. They come back, and are held for a person to decide`,
    { project, hint: 'See the alarms. Confirm it if the app really lost these devices, else release it.' },
  ],
  'flood.undone': ({ restored }) => ['info', `${restored} push tokens that were retired in a flood are back`, {}],
  'breaker.opened': ({ project, reason, forMs }, hint) => [
    'error',
    `Sending pauses for ${Math.ceil(forMs / 1000)} s: ${maskPushTokensIn(reason)}`,
    { project, hint },
  ],
  'breaker.closed': ({ project }) => ['info', 'Sending goes on', { project }],
  'upkeep.done': (pruned) => ['debug', 'What is no longer needed was removed', pruned],
  'job.failed': ({ queue, error }) => [
    'error',
    `A job failed in ${queue}; it will be tried again`,
    { error: maskPushTokensIn(error) },
  ],
  'queue.error': ({ error }) => ['error', `The queue met an error: ${maskPushTokensIn(error)}`, {}],
  'database.newer': ({ migration }) => [
    'warn',
    `A newer version of Belfry has migrated this database (${migration}); this one may still run on it`,
    { hint: 'Finish the upgrade: start the newer version, then stop this one.' },
  ],
  'database.left': ({ folder }) => [
    'warn',
    `This database has no users, and there is an embedded one in ${folder}`,
    {
      hint: 'Push tokens that were registered there are not here. To bring them: stop, run "belfry move", start again.',
    },
  ],
  'migration.running': ({ migration, seconds }) => [
    'info',
    `Migration ${migration} has been running for ${seconds} s; on large tables it may take minutes`,
    {},
  ],
  'migration.awaited': ({ seconds }) => [
    'info',
    `Another process has been migrating the database for ${seconds} s or longer; this one starts when it has ended`,
    {},
  ],
  'http.answered': ({ requestId, ...rest }) => ['debug', 'A request was answered', { reqId: requestId, ...rest }],
  'database.error': ({ error }) => ['error', `The database connection met an error: ${maskPushTokensIn(error)}`, {}],
}

/** While the database is away, everything that works meets the same error several times a second. */
const MET_OFTEN = new Set<keyof Facts>(['database.error', 'queue.error'])

/** @param expoPlace where Expo is for this server. */
export function logFacts(log: Log, expoPlace = 'Expo'): Emit {
  const reachHint = `Check that this server reaches ${expoPlace}.`
  const isNew = onceASecond()
  return (name, fact) => {
    const [level, msg, fields] = wording[name](fact, reachHint)
    if (!MET_OFTEN.has(name) || isNew(msg)) log[level]({ fact: name, ...fields }, msg)
  }
}

function onceASecond(): (text: string) => boolean {
  const told = new Set<string>()
  let since = Number.NEGATIVE_INFINITY
  return (text) => {
    const now = performance.now()
    if (now - since >= 1_000) {
      told.clear()
      since = now
    }
    const isNew = !told.has(text)
    told.add(text)
    return isNew
  }
}

/** Of an error only what explains it: database errors also carry the row, and that row may hold a secret. */
function describeError(error: unknown): object {
  if (!(error instanceof Error)) return { message: maskPushTokensIn(String(error)) }
  const { code } = error as NodeJS.ErrnoException
  return {
    type: error.name,
    message: maskPushTokensIn(error.message),
    ...(code !== undefined && { code }),
    stack: maskPushTokensIn(error.stack ?? ''),
  }
}
