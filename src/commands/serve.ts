import { setTimeout as wait } from 'node:timers/promises'
import { openApp } from '../app.ts'
import { type Role, readConfig } from '../config.ts'
import { openLog } from '../log.ts'
import { banner, warnings } from './banner.ts'

/** Whoever stops it counts on that, also when the database never answers. */
const STOP_MS = 35_000
/** One Ctrl-C arrives twice under npm: from the terminal, and again from npm. */
const SAME_SIGNAL_MS = 500

/** Runs until it is told to stop; then finishes what is in flight and exits 0. A second signal exits at once. */
export async function serve(role?: Role): Promise<void> {
  const config = readConfig(undefined, undefined, role && { ROLE: role })
  const log = openLog(config.settings.logLevel)
  const stopping = stopSignal()
  const app = await openApp(config, log, stopping)
  if (!stopping.aborted) {
    for (const warning of warnings(config)) log.warn(warning)
    process.stdout.write(banner(app, config))
    await new Promise((stopped) => stopping.addEventListener('abort', stopped))
  }
  log.info('stopping: finishing what is in flight')
  const inTime = app.close().then(() => true)
  if (await Promise.race([inTime, wait(STOP_MS, false)])) log.info('stopped')
  else log.warn('stopped: the database does not answer, and what was in flight is left to the next start')
  process.exit(0)
}

function stopSignal(): AbortSignal {
  const stop = new AbortController()
  let firstAt: number | undefined
  const onSignal = () => {
    if (firstAt !== undefined && performance.now() - firstAt > SAME_SIGNAL_MS) process.exit(1)
    firstAt ??= performance.now()
    stop.abort()
  }
  process.on('SIGTERM', onSignal)
  process.on('SIGINT', onSignal)
  return stop.signal
}
