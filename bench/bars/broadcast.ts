/** A post to 20,000 devices while Expo takes 150 ms a request: how long the poster and everybody else wait. */
import type { Postgres } from '../../test/kit/postgres.ts'
import { openGround, quantile, silence } from '../ground.ts'
import type { Bar } from './bar.ts'

const DEVICES = 20_000
const LATENCY_MS = 150
const RUNS = 3

export async function broadcastBars(name: string, postgres: Postgres | undefined): Promise<Bar[]> {
  const ground = await openGround(postgres, { latencyMs: LATENCY_MS })
  try {
    await ground.devices(1, DEVICES)
    const posts: number[] = []
    const others: number[] = []
    let [lost, doubled, notFull, inFlight] = [0, 0, 0, Number.POSITIVE_INFINITY]
    for (let run = 0; run < RUNS; run++) {
      // A new process each time: the first post of its life is the slowest.
      const server = await ground.start()
      await ground.expo.reset({ latencyMs: LATENCY_MS })
      const { id, ms } = await ground.post()
      posts.push(ms)
      while ((await ground.expo.pulse()).accepted < DEVICES) others.push(...(await lookAround(ground)))
      await silence(ground.expo)
      const { notifications, sizes, maxInFlight } = await ground.expo.report()
      lost += DEVICES - notifications[id]!.devices
      doubled += notifications[id]!.duplicates
      notFull += DEVICES / 100 - (sizes[100] ?? 0)
      inFlight = Math.min(inFlight, maxInFlight)
      await server.stop()
    }
    const postLimit = postgres ? 50 : 250
    return [
      {
        bar: `POST to 20,000, ${name} (worst first post of 3)`,
        limit: postLimit,
        measured: Math.max(...posts),
        unit: 'ms',
      },
      { bar: `other requests meanwhile, p90, ${name}`, limit: 200, measured: quantile(others, 0.9), unit: 'ms' },
      { bar: `devices lost or doubled, ${name}`, limit: 1, measured: lost + doubled, unit: '' },
      { bar: `requests that were not full, ${name}`, limit: 1, measured: notFull, unit: '' },
      { bar: `connections unused of 6, ${name}`, limit: 1, measured: 6 - inFlight, unit: '' },
    ]
  } finally {
    await ground.close()
  }
}

/** What other people do meanwhile; their messages go to somebody without a phone, so that the requests stay comparable. */
async function lookAround(ground: Awaited<ReturnType<typeof openGround>>): Promise<number[]> {
  const json = { receiver_id: 'nobody', message_type: 'text', content: 'Hello' }
  const answers = [
    await ground.as('reader', 'GET', '/api/posts/'),
    await ground.as('reader', 'GET', '/api/users/push-token'),
    await ground.as('reader', 'POST', '/message/send-message', json),
    await ground.as('reader', 'GET', '/readyz'),
  ]
  for (const { status } of answers) if (status !== 200) throw new Error(`another request was answered with ${status}`)
  return answers.map((answer) => answer.ms)
}
