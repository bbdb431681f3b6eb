/** No malformed body, token, header or address gives a 5xx, and honest requests among them are served. */
import { expect, test } from 'vitest'
import { eachOf } from '../kit/call.ts'
import { until } from '../kit/guard.ts'
import { mintToken } from '../kit/server.ts'
import { worlds } from '../kit/world.ts'
import { exchange, fuzz, isFine } from './fuzz.ts'

const REQUESTS = 600
const SEED = Number(process.env.FUZZ_SEED ?? 20_260_102)

const valid = mintToken('fuzz')
const [header, claims] = valid.split('.') as [string, string]
const bearers = [
  ...Array<string>(12).fill(valid),
  `${header}.${claims}.`,
  `${Buffer.from('{"alg":"none"}').toString('base64url')}.${claims}.`,
  mintToken('fuzz', { sub: { a: 1 } }),
  mintToken('fuzz', { sub: 'NUL\0' }),
  mintToken('fuzz', { sub: 'lone \ud800' }),
  mintToken('x'.repeat(200)),
  mintToken('fuzz', { username: 'NUL\0 lone \ud800' }),
  mintToken('fuzz', { username: ['a'], name: { b: 1 } }),
  mintToken('fuzz', { exp: 'soon' }),
  'a.b.c',
  '\xff\xfe',
  '',
]

test.each(worlds)('malformed requests $name', async ({ open }) => {
  const world = await open()
  try {
    const requests = fuzz(SEED, bearers)
    const statuses: Record<string, number> = {}
    const bad: string[] = []
    const all = Array.from({ length: REQUESTS }, () => requests.next())
    await eachOf(all.entries(), 4, async ([n, bytes]) => {
      const answer = await exchange(world.server.port, bytes)
      const status = typeof answer === 'string' ? answer : answer.status
      statuses[status] = (statuses[status] ?? 0) + 1
      if (isFine(answer, bytes)) return
      bad.push(`request ${n}: ${JSON.stringify(answer).slice(0, 300)} to ${bytes.toString('latin1').slice(0, 600)}`)
      return
    })
    expect(bad, `seed ${SEED}`).toEqual([])
    // Enough of them came as far as the routes and the database to prove something.
    expect(statuses[200]).toBeGreaterThan(REQUESTS / 50)
    expect(statuses[400]).toBeGreaterThan(REQUESTS / 4)
    expect(statuses[401]).toBeGreaterThan(REQUESTS / 20)
    const ben = world.user('ben')
    const device = await ben.register()
    const { body } = await world.user('ana').message(ben, 'Still there?')
    const counts = () => world.expo.counts(body.notification_id)
    await until('its push', async () => device in (await counts()))
    expect(await counts()).toEqual({ [device]: 1 })
  } finally {
    await world.close()
  }
})
