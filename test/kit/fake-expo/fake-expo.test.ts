import { request as httpRequest } from 'node:http'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type FakeExpo, startFakeExpo } from '../expo.ts'
import { type FaultName, faultNames } from './plan.ts'
import { validateSendBody } from './validate.ts'

let expo: FakeExpo
beforeAll(async () => {
  expo = await startFakeExpo()
})
beforeEach(() => expo.reset())
afterAll(() => expo.close())

const tokens = (count: number) => Array.from({ length: count }, (_, n) => `ExponentPushToken[${n}]`)
const message = (to: string[], id = 'n1') => ({ to, title: 'Hello', body: 'World', data: { notification_id: id } })
const send = (body: unknown) =>
  fetch(expo.sendUrl, {
    method: 'POST',
    body: JSON.stringify(body),
    headers: { 'content-type': 'application/json' },
    redirect: 'manual',
    signal: AbortSignal.timeout(700),
  })

interface Tickets {
  data: { status: string; id: string; details?: { error: string } }[]
}

describe('the fake Expo', () => {
  test('gives every recipient a ticket, and knows what it took', async () => {
    const [one, two, three] = tokens(3) as [string, string, string]
    await expo.plan({ ticketCodes: { [two]: 'DeviceNotRegistered' }, receiptCodes: { [three]: 'InvalidCredentials' } })
    const { data } = (await (await send([message([one, two]), message([three])])).json()) as Tickets
    expect(data.map((ticket) => ticket.status)).toEqual(['ok', 'error', 'ok'])
    expect(data[1]!.details!.error).toBe('DeviceNotRegistered')
    await send([message([one])])
    expect(await expo.counts('n1')).toEqual({ [one]: 2, [three]: 1 })
    expect((await expo.pushes(three))[0]!.message).toMatchObject({ title: 'Hello' })
    const ids = data.flatMap((ticket) => (ticket.status === 'ok' ? [ticket.id] : []))
    const receipts = await fetch(expo.sendUrl.replace('send', 'getReceipts'), {
      method: 'POST',
      body: JSON.stringify({ ids }),
      headers: { 'content-type': 'application/json' },
    })
    expect(await receipts.json()).toMatchObject({
      data: { [ids[0]!]: { status: 'ok' }, [ids[1]!]: { status: 'error', details: { error: 'InvalidCredentials' } } },
    })
    const report = await expo.report()
    expect(report.notifications.n1).toMatchObject({ accepted: 3, devices: 2, duplicates: 1 })
    expect(report).toMatchObject({
      receiptsAsked: 2,
      ticketsNeverAsked: 1,
      violations: [],
      refused: { DeviceNotRegistered: 1 },
    })
  })

  test('refuses mixed projects with the details, malformed messages, and more than 100 recipients', async () => {
    const [one, two] = tokens(2) as [string, string]
    await expo.plan({ projects: { [two]: '@other/app' } })
    const mixed = await send([message([one, two])])
    expect(mixed.status).toBe(400)
    const details = { '@belfry/app': [one], '@other/app': [two] }
    expect(await mixed.json()).toMatchObject({ errors: [{ code: 'PUSH_TOO_MANY_EXPERIENCE_IDS', details }] })
    expect((await send([{ ...message([one]), title: 7 }])).status).toBe(400)
    expect((await send([message(tokens(101))])).status).toBe(400)
    const { accepted, violations } = await expo.report()
    expect(accepted).toBe(0)
    expect(violations).toHaveLength(2)
  })

  test('keeps to its rate, and measures the sliding second', async () => {
    await expo.plan({ rateLimit: 150 })
    expect((await send([message(tokens(100))])).status).toBe(200)
    expect((await send([message(tokens(100))])).status).toBe(429)
    expect((await send([message(tokens(50))])).status).toBe(200)
    expect(await expo.report()).toMatchObject({ maxPerSecond: 150, maxAskedPerSecond: 250 })
  })

  test.each(faultNames)('%s: the sender hears the fault, the ledger keeps the truth', async (fault: FaultName) => {
    await expo.plan({ next: [fault] })
    const answer = await send([message(tokens(3))])
      .then(async (response) => `${response.status} ${(await response.text()).length}`)
      .catch((error: Error) => error.name)
    expect(answer).not.toMatch(/^200 2\d\d$/)
    const report = await expo.report()
    const took = faultNames.indexOf(fault) >= faultNames.indexOf('status504AfterAccept')
    expect(report.accepted).toBe(took ? 3 : 0)
    expect(report.ambiguous).toBe(fault.startsWith('status429') ? 0 : 1)
    expect(report.faults).toEqual({ [fault]: 1 })
  })

  test('the same seed throws the same faults', async () => {
    const run = async () => {
      await expo.reset({ seed: 42, faults: { status500: 0.3, status429: 0.3 } })
      const statuses: number[] = []
      for (let n = 0; n < 20; n++) statuses.push((await send([message(tokens(1))])).status)
      return statuses
    }
    const first = await run()
    expect(new Set(first).size).toBe(3)
    expect(await run()).toEqual(first)
  })

  test('counts requests in flight', async () => {
    await expo.plan({ latencyMs: 100 })
    await Promise.all([1, 2, 3].map(() => send([message(tokens(1))])))
    expect((await expo.report()).maxInFlight).toBe(3)
  })
})

test.each([
  [[], /at least 1/],
  [[{ to: [] }], /to/],
  [[{ to: ['a'], title: 1 }], /title/],
  [[{ to: ['a'], data: '{}' }], /data/],
  [[{ to: ['a'], priority: 'urgent' }], /priority/],
  [[{ to: ['a'], colour: 'red' }], /not allowed/],
  [[{ to: 'a', collapseId: 'x'.repeat(65) }], /64 bytes/],
  [Array(101).fill({ to: 'a' }), /maximum of 100/],
])('the validator refuses %j', (body, reason) => {
  expect(validateSendBody(body)).toMatchObject({ fault: { message: expect.stringMatching(reason) as string } })
})

test('the validator takes what the documents send', () => {
  const documented = { sound: 'default', title: 'a', body: 'b', data: {}, priority: 'high', channelId: 'default' }
  expect(validateSendBody([{ to: 'x', ...documented }])).toMatchObject({ recipients: 1 })
})

test('ends when the test process does', async () => {
  const other = await startFakeExpo()
  await other.close()
  const refused = await new Promise<string>((done) => {
    httpRequest(other.sendUrl)
      .on('error', (error: NodeJS.ErrnoException) => done(error.code ?? ''))
      .end()
  })
  expect(refused).toBe('ECONNREFUSED')
})
