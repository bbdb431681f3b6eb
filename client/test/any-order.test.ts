/** Whatever happens in whatever order: in the end this phone rings for whoever is logged in, or for nobody. */
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Server } from '../../test/kit/server.ts'
import { newPushToken } from '../../test/kit/world.ts'
import { notificationWith } from './fake-notifications.ts'
import { newPhone, ownersOf, type Phone } from './phone.ts'
import { startSandbox } from './sandbox.ts'

let server: Server
beforeAll(async () => void (server = await startSandbox()))
afterAll(() => server?.kill9())

type Step = (phone: Phone, run: { users: string[] }) => Promise<unknown> | void

const steps: Record<string, Step> = {
  'log in as the first': (phone, { users }) => phone.logIn(users[0]!),
  'log in as the second': (phone, { users }) => phone.logIn(users[1]!),
  'log in as the third, without waiting': (phone, { users }) => {
    phone.user = users[2]!
    void phone.belfry.logIn()
  },
  'log out': (phone) => logOut(phone),
  'log out while a log-in is under way': (phone, { users }) => {
    phone.user = users[0]!
    void phone.belfry.logIn()
    return logOut(phone)
  },
  'the bearer token is refreshed': (phone) => phone.refreshBearer(),
  'the network goes': (phone) => void (phone.network = 'off'),
  'answers are lost': (phone) => void (phone.network = 'loses_answers'),
  'the network is back': (phone) => void (phone.network = 'on'),
  'Expo rejects': (phone) => void (phone.notifications.trouble = 'expo_rejects'),
  'Expo is well': (phone) => void (phone.notifications.trouble = 'none'),
  'the system rotates its token': (phone) => phone.notifications.rotate(),
  'the token is another one': (phone) => phone.notifications.rotate(newPushToken()),
  'the app restarts': async (phone) => {
    phone.die()
    // What was on its way arrives sooner than the app can be started again.
    await phone.quiet()
    phone.open()
  },
  'the app comes to the foreground': (phone) => phone.toForeground(),
  'a minute passes': (phone) => phone.pass(60_000),
  'two days pass': (phone) => phone.pass(48 * 3600_000),
  'permission is taken away': (phone) => void (phone.notifications.permission = 'denied'),
  'permission is given': (phone) => void (phone.notifications.permission = 'granted'),
  'a notification is tapped': (phone) => phone.notifications.tap(notificationWith({ notification_id: 'n' })),
  'everything comes to rest': (phone) => phone.quiet(),
}

/** The app drops its session only after `logOut` has answered, as the promise asks of it. */
async function logOut(phone: Phone): Promise<void> {
  await phone.belfry.logOut()
  phone.user = null
}

let runs = 0

test('any sequence of events ends with the token at exactly the one who is logged in, or at nobody', async () => {
  const names = fc.array(fc.constantFrom(...Object.keys(steps)), { minLength: 1, maxLength: 14 })
  await fc.assert(
    fc.asyncProperty(names, fc.constantFrom('ios' as const, 'android' as const), async (sequence, platform) => {
      const run = ++runs
      const users = ['a', 'b', 'c'].map((letter) => `${letter}-${run}`)
      const phone = newPhone(server, platform)
      const tokens = new Set<string>()
      phone.open()
      for (const name of sequence) {
        await steps[name]!(phone, { users })
        tokens.add(phone.notifications.expoToken)
      }
      // The world becomes well again, and time passes.
      phone.network = 'on'
      phone.notifications.trouble = 'none'
      for (let minutes = 0; minutes < 3; minutes++) await phone.pass(10 * 60_000)
      phone.toForeground()
      await phone.quiet()
      const now = phone.notifications.expoToken
      const mayRing = phone.user !== null && phone.notifications.permission === 'granted'
      for (const token of tokens) {
        const owners = await ownersOf(server, token, users)
        if (!mayRing) expect(owners).toEqual([])
        else if (token === now) expect(owners).toEqual([phone.user])
        else expect(owners.filter((owner) => owner !== phone.user)).toEqual([])
      }
      phone.die()
    }),
    { numRuns: 120, endOnFailure: false },
  )
}, 120_000)
