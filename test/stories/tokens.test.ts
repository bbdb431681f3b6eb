/** Which phone rings for whom: a push token through its life, seen from the apps' side and from Expo's. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { until } from '../kit/guard.ts'
import { newPushToken, type Person, registerAll, type World, worlds } from '../kit/world.ts'

describe.each(worlds)('push tokens $name', ({ open }) => {
  let world: World
  beforeAll(async () => {
    world = await open({ env: { RECEIPT_DELAY_MS: '200' } })
  })
  beforeEach(() => world.expo.reset())
  afterEach(() => world.logOutEverybody())
  afterAll(() => world?.close())

  const listed = async (person: Person) => {
    type Row = { push_token: string; active: boolean; inactive_reason: string | null }
    const { body } = await person.call<{ push_tokens: Row[] }>('GET', '/api/users/push-token')
    return Object.fromEntries(body.push_tokens.map((row) => [row.push_token, row.inactive_reason]))
  }

  /** The devices that hear the next post. */
  async function whoHears(expected: number): Promise<string[]> {
    const before = (await world.expo.pulse()).accepted
    const { body } = await world.user('author').post()
    await world.expo.untilTaken(before + expected)
    await world.drain()
    return Object.keys(await world.expo.counts(body.notification_id)).toSorted()
  }

  test('Expo’s tickets are matched to their devices: exactly the dead ones of 230 go', async () => {
    const tokens = Array.from({ length: 230 }, newPushToken)
    const dead = tokens.filter((_, n) => n % 37 === 5 || n === 99 || n === 100 || n === 229)
    await registerAll(
      world,
      tokens.map((token, n) => [`reader-${n}`, token]),
    )
    await world.expo.plan({ ticketCodes: Object.fromEntries(dead.map((token) => [token, 'DeviceNotRegistered'])) })
    const alive = tokens.filter((token) => !dead.includes(token)).toSorted()
    expect(await whoHears(alive.length)).toEqual(alive)
    expect(await whoHears(alive.length)).toEqual(alive)
    expect((await world.expo.refused()).map((one) => one.token).toSorted()).toEqual(dead.toSorted())
  })

  test('a device that only its receipt calls dead is not sent to again, until it registers again', async () => {
    const ben = world.user('ben')
    const [dead, fine] = [await ben.register(), await ben.register({ device_type: 'ios' })]
    await world.expo.plan({ receiptCodes: { [dead]: 'DeviceNotRegistered' } })
    expect(await whoHears(2)).toEqual([dead, fine].toSorted())
    await world.server.untilLogged(`Removed invalid token: ${dead.slice(0, 21)}…]`)
    expect(await listed(ben)).toEqual({ [dead]: 'DeviceNotRegistered', [fine]: null })
    expect(await whoHears(1)).toEqual([fine])
    await world.expo.plan({ receiptCodes: {} })
    await ben.register({ push_token: dead })
    expect(await whoHears(2)).toEqual([dead, fine].toSorted())
    expect(await listed(ben)).toEqual({ [dead]: null, [fine]: null })
  })

  test('credentials errors suspend and never delete, in tickets and in receipts; no other error costs a token', async () => {
    const ben = world.user('ben')
    const [byTicket, byReceipt] = [await ben.register({ device_type: 'ios' }), await ben.register()]
    const codes = ['MessageTooBig', 'MessageRateExceeded', 'MismatchSenderId', 'ExpoError', 'SomethingNew']
    const unlucky = await Promise.all(codes.map(() => ben.register()))
    await world.expo.plan({
      ticketCodes: {
        [byTicket]: 'InvalidCredentials',
        ...Object.fromEntries(codes.map((code, n) => [unlucky[n]!, code])),
      },
      receiptCodes: { [byReceipt]: 'InvalidCredentials' },
    })
    expect(await whoHears(1)).toEqual([byReceipt])
    const suspended = async () => Object.values(await listed(ben)).filter((reason) => reason === 'InvalidCredentials')
    await until('both to be suspended', async () => (await suspended()).length === 2)
    await world.restart()
    const kept = Object.fromEntries(unlucky.map((token) => [token, null]))
    expect(await listed(ben)).toEqual({
      ...kept,
      [byTicket]: 'InvalidCredentials',
      [byReceipt]: 'InvalidCredentials',
    })
    await world.expo.plan({ ticketCodes: {}, receiptCodes: {} })
    expect(await whoHears(unlucky.length)).toEqual(unlucky.toSorted())
  })

  test('a phone that changed hands rings only for its new owner, and not after the log-out', async () => {
    const [ana, ben, author] = [world.user('ana'), world.user('ben'), world.user('author')]
    const phone = await ana.register()
    await ben.register({ push_token: phone })
    expect(await listed(ana)).toEqual({})
    await author.message(ana, 'For Ana')
    await author.message(ben, 'For Ben')
    await world.expo.untilTaken(1)
    await world.drain()
    expect((await world.expo.pushes(phone)).map((push) => push.message.body)).toEqual(['author: For Ben'])
    // Who no longer owns it cannot log it out either.
    await ana.unregister({ push_token: phone })
    expect(await whoHears(1)).toEqual([phone])
    const other = await ben.register({ installation_id: 'tablet' })
    const answers = [
      await ben.unregister({ push_token: phone }),
      await ben.unregister({ push_token: phone }),
      await ben.unregister({ installation_id: 'tablet' }),
    ]
    expect(answers.map((answer) => answer.status)).toEqual([200, 200, 200])
    await author.message(ben, 'Nobody hears this')
    await world.server.untilLogged('⚠️ No push token found for user ben')
    expect([...(await world.expo.pushes(other)), ...(await world.expo.pushes(phone)).slice(2)]).toEqual([])
  })

  test('a new token of the same installation takes the place of the old one', async () => {
    const ben = world.user('ben')
    const old = await ben.register({ installation_id: 'phone' })
    const fresh = await ben.register({ installation_id: 'phone' })
    expect(await whoHears(1)).toEqual([fresh])
    expect(await world.expo.pushes(old)).toEqual([])
  })
})
