/** Connections to PostgreSQL that fall silent, after a failover or behind a NAT that has forgotten them: nobody says so. */
import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { expect, test } from 'vitest'
import { sharedPostgres } from '../kit/global-setup.ts'
import { until } from '../kit/guard.ts'
import { startServer } from '../kit/server.ts'
import { openWorld } from '../kit/world.ts'
import { openProxy } from '../reliability/kit/proxy.ts'

/** The longest that a statement is waited for, and two of them one after the other, on a busy machine. */
const HEALED_WITHIN_MS = 45_000
/** docs/operating.md: SIGTERM ends it within 35 seconds. */
const STOPPED_WITHIN_MS = 40_000

async function openSilenceable() {
  const postgres = await sharedPostgres(18)
  const url = await postgres.createDatabase()
  const proxy = await openProxy(postgres.port)
  return { proxy, databaseUrl: url.replace(`:${postgres.port}/`, `:${proxy.port}/`) }
}

test.concurrent('in the middle of work: messages ring again, also those of meanwhile', async () => {
  const { proxy, databaseUrl } = await openSilenceable()
  const world = await openWorld({ database: 'postgres', databaseUrl })
  try {
    const [ana, ben] = [world.user('ana'), world.user('ben')]
    await ben.register()
    expect((await ana.message(ben, 'before')).status).toBe(200)
    await world.expo.untilTaken(1)
    expect(proxy.freeze()).toBeGreaterThan(0)
    await until('a message to be taken', async () => (await ana.message(ben, 'meanwhile')).status === 200, {
      timeoutMs: HEALED_WITHIN_MS,
    })
    await world.expo.untilTaken(2, { timeoutMs: HEALED_WITHIN_MS })
  } finally {
    await world.close()
    await proxy.close()
  }
})

test.concurrent('for a while, and then reset: it lives, and works on', async () => {
  const { proxy, databaseUrl } = await openSilenceable()
  const world = await openWorld({ database: 'postgres', databaseUrl })
  try {
    const [ana, ben] = [world.user('ana'), world.user('ben')]
    await ben.register()
    proxy.blackhole(true)
    await world.server.untilLogged('The queue met an error: LISTEN/NOTIFY heartbeat timed out')
    proxy.blackhole(false)
    const isReady = async () => (await world.call('GET', '/readyz')).status === 200
    await until('it to be ready', isReady, { timeoutMs: HEALED_WITHIN_MS })
    expect((await ana.message(ben, 'after')).status).toBe(200)
    await world.expo.untilTaken(1, { timeoutMs: HEALED_WITHIN_MS })
  } finally {
    await world.close()
    await proxy.close()
  }
})

test.concurrent('at the start: it is ready all the same', async () => {
  const { proxy, databaseUrl } = await openSilenceable()
  const silent = proxy.silenceNext()
  const server = await startServer({ env: { DATABASE_URL: databaseUrl } })
  try {
    await silent
  } finally {
    await server.stop()
    await proxy.close()
  }
})

/** As a load balancer does while PostgreSQL behind it is being started. */
test.concurrent('at the start each is reset: it is waited for', async () => {
  const { proxy, databaseUrl } = await openSilenceable()
  await proxy.refuse(true)
  const resetting = createServer((socket) => socket.on('error', () => {}).once('data', () => socket.resetAndDestroy()))
  resetting.listen(proxy.port, '127.0.0.1')
  const starting = startServer({ env: { DATABASE_URL: databaseUrl } })
  try {
    await once(resetting, 'connection')
    const [second] = (await once(resetting, 'connection')) as [Socket]
    await once(second, 'close')
    await new Promise((done) => resetting.close(done))
    await proxy.refuse(false)
    const server = await starting
    await server.untilLogged(/^The database does not answer/)
    await server.stop()
  } finally {
    resetting.close()
    await proxy.close()
  }
})

test.concurrent('at the end: it stops in time', async () => {
  const { proxy, databaseUrl } = await openSilenceable()
  const server = await startServer({ env: { DATABASE_URL: databaseUrl } })
  try {
    proxy.freeze()
    const tooLate = new Promise((late) => setTimeout(late, STOPPED_WITHIN_MS, 'still there'))
    expect(await Promise.race([server.stop(), tooLate])).toBe(0)
  } finally {
    await server.kill9()
    await proxy.close()
  }
})
