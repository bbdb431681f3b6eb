/** After a log-out the phone is silent, also when the server could not be reached at that moment. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { mintToken, type Server } from '../../test/kit/server.ts'
import { devicesOf, newPhone, ownersOf } from './phone.ts'
import { startSandbox } from './sandbox.ts'

let server: Server
beforeAll(async () => void (server = await startSandbox()))
afterAll(() => server?.kill9())

test('log-out takes the installation off while the person is still authenticated', async () => {
  const phone = newPhone(server)
  phone.open()
  await phone.logIn('ada')
  expect(await phone.logOut()).toBe('done')
  expect(await devicesOf(server, 'ada')).toEqual([])
  expect(phone.belfry.getState()).toMatchObject({ registration: 'off', pushToken: null })
  expect(phone.notifications.dismissed).toBe(1)
  phone.user = 'ada'
  phone.toForeground()
  await phone.quiet()
  expect(await devicesOf(server, 'ada'), 'not before the next log-in').toEqual([])
})

test('offline it is remembered and repeated, also by the next start', async () => {
  for (const restarts of [false, true]) {
    const phone = newPhone(server)
    const user = `bob-${restarts}`
    phone.open()
    await phone.logIn(user)
    phone.network = 'off'
    expect(await phone.logOut()).toBe('later')
    expect(await devicesOf(server, user)).toHaveLength(1)
    if (restarts) {
      phone.die()
      phone.network = 'on'
      phone.open()
      await phone.quiet()
    } else {
      phone.network = 'on'
      await phone.pass(2_000)
    }
    expect(await devicesOf(server, user)).toEqual([])
    expect(phone.disk.get('belfry.logOuts')).toBe('[]')
  }
})

test('a proxy without its server answers 404: the log-out, and the next log-in, are said again', async () => {
  const phone = newPhone(server)
  const { device } = phone
  phone.open()
  await phone.logIn('pam')
  const json = () => Promise.reject(new SyntaxError())
  phone.device = { ...device, fetch: async () => ({ status: 404, headers: new Headers(), json }) }
  expect(await phone.logOut()).toBe('later')
  await phone.logIn('quin')
  expect(phone.belfry.getState()).toMatchObject({ registration: 'waiting', trouble: { code: 'http_404' } })
  phone.device = device
  await phone.pass(300_000)
  expect(await ownersOf(server, phone.notifications.expoToken, ['pam', 'quin'])).toEqual(['quin'])
})

test('logged in again before the server heard of the log-out: still logged in', async () => {
  const phone = newPhone(server)
  phone.open()
  await phone.logIn('cleo')
  phone.network = 'off'
  await phone.logOut()
  await phone.logIn('cleo')
  phone.network = 'on'
  await phone.pass(300_000)
  expect(await devicesOf(server, 'cleo')).toHaveLength(1)
})

test('the next person logs in before the server heard of the log-out', async () => {
  const phone = newPhone(server)
  phone.open()
  await phone.logIn('dora')
  phone.network = 'off'
  await phone.logOut()
  await phone.logIn('emil')
  phone.network = 'on'
  await phone.pass(300_000)
  expect(await ownersOf(server, phone.notifications.expoToken, ['dora', 'emil'])).toEqual(['emil'])
})

test('a log-out during a registration comes after it', async () => {
  const phone = newPhone(server)
  phone.open()
  phone.user = 'finn'
  const logsIn = phone.belfry.logIn()
  while (phone.belfry.getState().registration !== 'working') await Promise.resolve()
  await phone.logOut()
  await logsIn
  await phone.quiet()
  expect(await devicesOf(server, 'finn')).toEqual([])
})

test('a server that does not answer holds the log-out up for five seconds, not longer', async () => {
  const phone = newPhone(server)
  phone.device.fetch = () => new Promise(() => {})
  phone.open()
  phone.user = 'gina'
  const logsOut = phone.belfry.logOut()
  await phone.quiet()
  await phone.pass(5_000)
  expect(await logsOut).toBe('later')
})

test('a session that is gone without a log-out is taken for one', async () => {
  const phone = newPhone(server)
  phone.open()
  await phone.logIn('hans')
  phone.user = null
  phone.toForeground()
  await phone.quiet()
  expect(await devicesOf(server, 'hans')).toEqual([])
})

test('a session that ended while the app was closed: at a start null may be a session that is still loading; a log-out says it', async () => {
  const phone = newPhone(server)
  phone.open()
  await phone.logIn('ida')
  phone.die()
  phone.user = null
  phone.open()
  await phone.quiet()
  expect(await devicesOf(server, 'ida')).toHaveLength(1)
  expect(await phone.logOut()).toBe('done')
  expect(await devicesOf(server, 'ida')).toEqual([])
})

test('a log-out whose bearer token has expired meanwhile does not block the next person', async () => {
  const phone = newPhone(server)
  let bearer: string | null = mintToken('ines')
  phone.open({ getAuthToken: () => bearer })
  await phone.quiet()
  phone.network = 'off'
  bearer = mintToken('ines', { exp: 1 })
  expect(await phone.belfry.logOut()).toBe('later')
  bearer = mintToken('jana')
  phone.network = 'on'
  await phone.belfry.logIn()
  expect(await ownersOf(server, phone.notifications.expoToken, ['ines', 'jana'])).toEqual(['jana'])
})
