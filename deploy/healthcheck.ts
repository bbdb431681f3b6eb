/**
 * Whether the process in this container is alive: exit code 0 or 1. A worker without WORKER_PORT cannot be asked; it is
 * alive while it runs, and ends when it cannot. A database that is away is no reason to start anew, so this asks for life,
 * not for readiness.
 */
const { ROLE, HOST = '', PORT, WORKER_PORT } = process.env
const isWorker = ROLE?.toLowerCase() === 'worker'
const isEverywhere = HOST === '' || HOST === '0.0.0.0' || HOST === '::'
const host = isEverywhere ? '127.0.0.1' : HOST.includes(':') ? `[${HOST}]` : HOST
const url = `http://${host}:${(isWorker ? WORKER_PORT : PORT) || 8787}/healthz`

const isAlive =
  (isWorker && !WORKER_PORT) ||
  (await fetch(url, { signal: AbortSignal.timeout(4_000) }).then(
    (response) => response.ok,
    () => false,
  ))
if (!isAlive) process.stderr.write(`${url} does not answer\n`)
process.exit(isAlive ? 0 : 1)
