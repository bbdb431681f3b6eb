import { expect, test } from 'vitest'
import type { Clock } from '../../ports.ts'
import type { Parcel } from '../plan/parcel.ts'
import { openConnections } from '../turns/connections.ts'
import type { Pace } from '../turns/pace.ts'
import { openTurns } from '../turns/turns.ts'
import { openSender } from './sender.ts'
import type { SenderParts } from './sending.ts'

const clock: Clock = { monotonic: () => 0, wait: async () => undefined }
const away = async (): Promise<never> => Promise.reject(new Error('connection terminated'))
const parcel = {
  delivery: { id: 1, project: null, token_ids: [1] },
  notification: { id: 'n', content: { title: 'Hi' } },
  recipients: [{ id: 1, token: 'ExponentPushToken[a]', deviceType: 'ios', locale: null, project: null, userId: 'u' }],
} as unknown as Parcel

/**
 * One connection, and a database that is away for the first so many questions of a kind.
 * @param told in what order requests leave and answers are saved.
 */
function sender({ broken, times: left = 0, told = [] }: { broken?: string; times?: number; told?: string[] }) {
  const fails = (what: string) => what === broken && left-- > 0
  const connections = openConnections(1, () => 0, true)
  const stop = new AbortController().signal
  const pace = {
    take: async () => (fails('pace') ? away() : { kind: 'go', depart: async () => undefined }),
  } as unknown as Pace
  const parts = {
    clock,
    connections,
    emit: () => undefined,
    begin: async ({ id }: { id: number }) => ({ id, attempt: 1 }),
    settle: async () => void told.push('saved'),
    breaker: {
      look: () => ({ kind: 'go' }),
      admit: async () => (fails('breaker') ? away() : { kind: 'go' }),
      answered: async () => undefined,
    },
    turns: openTurns({ connections, pace, stop }),
    gateway: {
      async send() {
        told.push('sent')
        return { kind: 'tickets', tickets: [{ status: 'ok', id: 't' }] }
      },
    },
    stop,
  }
  return openSender(parts as unknown as SenderParts)
}

test.each(['pace', 'breaker'] as const)(
  'a database that is away when the %s is asked takes no connection with it',
  async (broken) => {
    const send = sender({ broken, times: 10 })
    for (let n = 0; n < 10; n++) await expect(send('direct', [parcel], 0)).rejects.toThrow('terminated')
    expect(await send('direct', [parcel], 0)).toEqual({ kind: 'done' })
  },
)

test('who waits for the connection sends before the answer that freed it is saved', async () => {
  const told: string[] = []
  const send = sender({ told })
  await Promise.all([send('direct', [parcel], 0), send('direct', [parcel], 0)])
  expect(told).toEqual(['sent', 'sent', 'saved', 'saved'])
})
