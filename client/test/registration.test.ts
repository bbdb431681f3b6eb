/** The first document's section 8 from the app's side: token on log-in, sent, updated on restart; and never lost. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Server } from '../../test/kit/server.ts'
import { newPushToken } from '../../test/kit/world.ts'
import { devicesOf, newPhone, ownersOf } from './phone.ts'
import { startSandbox } from './sandbox.ts'

let server: Server
beforeAll(async () => void (server = await startSandbox()))
afterAll(() => server?.kill9())

const DAY_MS = 24 * 3600_000

test('log-in registers the installation with all that the server may know of it', async () => {
  const phone = newPhone(server)
  phone.open()
  await phone.quiet()
  expect(phone.calls).toEqual([])
  await phone.logIn('ada')
  const [device, ...others] = await devicesOf(server, 'ada')
  expect(others).toEqual([])
  expect(device).toMatchObject({
    push_token: phone.notifications.expoToken,
    device_type: 'android',
    project: 'a-project',
    locale: 'de-AT',
    time_zone: 'Europe/Vienna',
    app_version: '1.2.3',
  })
  expect(device!.installation_id).toMatch(/^[0-9a-f-]{36}$/)
  expect(phone.belfry.getState()).toMatchObject({ registration: 'registered', permission: 'granted', trouble: null })
  expect(phone.notifications.channels).toEqual(['default'])
})

test('every start is one cheap call; coming to the foreground is one only after a day', async () => {
  const phone = newPhone(server, 'ios')
  phone.user = 'bob'
  phone.open()
  await phone.quiet()
  phone.die()
  phone.open()
  await phone.quiet()
  expect(phone.calls.map(({ status }) => status)).toEqual([200, 200])
  expect(phone.notifications.expoCalls).toHaveLength(2)
  phone.toForeground()
  await phone.quiet()
  expect(phone.calls).toHaveLength(2)
  await phone.pass(DAY_MS)
  phone.toForeground()
  await phone.quiet()
  expect(phone.calls).toHaveLength(3)
  expect(await devicesOf(server, 'bob')).toHaveLength(1)
})

test('a rotation is followed once and does not go in circles', async () => {
  const phone = newPhone(server)
  phone.user = 'cleo'
  phone.open()
  await phone.quiet()
  phone.notifications.rotate()
  await phone.quiet()
  expect(phone.calls).toHaveLength(1)
  expect(phone.notifications.expoCalls).toHaveLength(2)
  expect(phone.notifications.expoCalls[1]!.devicePushToken).toBeDefined()
  const other = newPushToken()
  phone.notifications.rotate(other)
  await phone.quiet()
  expect(phone.calls).toHaveLength(2)
  expect((await devicesOf(server, 'cleo')).map(({ push_token }) => push_token)).toEqual([other])
})

test('a rotation while a token is being fetched is not lost', async () => {
  const phone = newPhone(server, 'ios')
  const other = newPushToken()
  const fetchToken = phone.notifications.module.getExpoPushTokenAsync.bind(null)
  phone.notifications.module.getExpoPushTokenAsync = async (options) => {
    const answer = await fetchToken(options)
    if (options?.devicePushToken && phone.notifications.expoToken !== other) phone.notifications.rotate(other)
    return answer
  }
  phone.user = 'pia'
  phone.open()
  await phone.quiet()
  phone.notifications.rotate()
  await phone.quiet()
  expect((await devicesOf(server, 'pia')).map(({ push_token }) => push_token)).toEqual([other])
})

test('offline, the registration is tried again until it is there', async () => {
  const phone = newPhone(server)
  phone.network = 'off'
  phone.notifications.trouble = 'offline'
  phone.open()
  await phone.logIn('dora')
  expect(phone.belfry.getState()).toMatchObject({
    registration: 'waiting',
    trouble: { code: 'ERR_NOTIFICATIONS_NETWORK_ERROR' },
  })
  phone.notifications.trouble = 'none'
  await phone.pass(2_000)
  expect(phone.belfry.getState()).toMatchObject({ registration: 'waiting', trouble: { code: 'offline' } })
  phone.network = 'loses_answers'
  await phone.pass(4_000)
  expect(phone.belfry.getState().registration).toBe('waiting')
  phone.network = 'on'
  await phone.pass(8_000)
  expect(phone.belfry.getState()).toMatchObject({ registration: 'registered', trouble: null })
  expect(await devicesOf(server, 'dora')).toHaveLength(1)
})

test('offline until the app is closed: the next start does it', async () => {
  const phone = newPhone(server)
  phone.network = 'off'
  phone.open()
  await phone.logIn('emil')
  phone.die()
  phone.network = 'on'
  phone.open()
  await phone.quiet()
  expect(await devicesOf(server, 'emil')).toHaveLength(1)
})

test('a server that says when it is back is not asked before', async () => {
  const phone = newPhone(server)
  const { device } = phone
  let refusals = 0
  const refuse = async () => {
    refusals++
    const said = { success: false, error: 'The database does not answer', code: 'database_away' }
    return { status: 503, headers: new Headers({ 'retry-after': '120' }), json: async () => said }
  }
  phone.device = { ...device, fetch: refuse }
  phone.user = 'edda'
  phone.open()
  await phone.quiet()
  expect(phone.belfry.getState()).toMatchObject({ registration: 'waiting', trouble: { code: 'database_away' } })
  await phone.pass(119_000)
  expect(refusals).toBe(1)
  phone.device = device
  await phone.pass(1_000)
  expect(await devicesOf(server, 'edda')).toHaveLength(1)
})

test('Expo rejects, or the system does: said, and tried again', async () => {
  const phone = newPhone(server, 'ios')
  phone.notifications.trouble = 'expo_rejects'
  phone.user = 'finn'
  phone.open()
  await phone.quiet()
  expect(phone.belfry.getState().trouble?.code).toBe('ERR_NOTIFICATIONS_SERVER_ERROR')
  phone.notifications.trouble = 'none'
  await phone.pass(2_000)
  expect(await devicesOf(server, 'finn')).toHaveLength(1)
})

test('a system that failed once is asked no more when it has told its token itself', async () => {
  const phone = newPhone(server, 'ios')
  phone.notifications.trouble = 'system_fails'
  phone.user = 'gina'
  phone.open()
  await phone.quiet()
  expect(phone.belfry.getState().registration).toBe('waiting')
  phone.notifications.trouble = 'none'
  await phone.pass(2_000)
  expect(phone.belfry.getState().registration).toBe('waiting')
  phone.notifications.rotate()
  await phone.quiet()
  expect(phone.belfry.getState().registration).toBe('registered')
})

test('a token that the server refuses is not sent over and over', async () => {
  const phone = newPhone(server)
  phone.notifications.expoToken = 'ExponentPushToken[]'
  phone.user = 'hans'
  phone.open()
  await phone.quiet()
  expect(phone.belfry.getState()).toMatchObject({ registration: 'failed', trouble: { code: 'token_malformed' } })
  await phone.pass(DAY_MS)
  expect(phone.calls).toHaveLength(1)
  phone.notifications.expoToken = newPushToken()
  phone.toForeground()
  await phone.quiet()
  expect(phone.belfry.getState().registration).toBe('registered')
})

test('a bearer token that has expired is asked for again', async () => {
  const phone = newPhone(server)
  const { mintToken } = await import('../../test/kit/server.ts')
  let bearer = mintToken('ines', { exp: 1 })
  phone.open({ getAuthToken: async () => bearer })
  await phone.quiet()
  expect(phone.belfry.getState()).toMatchObject({ registration: 'waiting', trouble: { code: 'token_expired' } })
  bearer = mintToken('ines')
  await phone.pass(2_000)
  expect(await devicesOf(server, 'ines')).toHaveLength(1)
})

test('a bearer token that the server cannot check: its hint says what is wrong with it', async () => {
  const phone = newPhone(server)
  phone.open({ getAuthToken: () => 'of-another-sign-in' })
  await phone.quiet()
  const { registration, trouble } = phone.belfry.getState()
  expect(registration).toBe('waiting')
  expect(trouble).toMatchObject({ code: 'token_invalid', hint: expect.stringContaining('no JSON Web Token') })
})

test('the person is asked only when the app says so, and a No is a No', async () => {
  const phone = newPhone(server)
  phone.notifications.permission = 'undetermined'
  phone.notifications.answer = 'denied'
  phone.user = 'jana'
  phone.open()
  await phone.quiet()
  expect(phone.notifications.asked).toBe(0)
  expect(phone.belfry.getState()).toMatchObject({ permission: 'undetermined', registration: 'off' })
  expect(await phone.belfry.askPermission()).toBe('denied')
  await phone.quiet()
  expect(await devicesOf(server, 'jana')).toEqual([])
  // Granted later, in the system's settings.
  phone.notifications.permission = 'granted'
  phone.toForeground()
  await phone.quiet()
  expect(phone.belfry.getState().permission).toBe('granted')
  expect(await devicesOf(server, 'jana')).toHaveLength(1)
})

test('a permission that is taken away takes the installation off; given again, it is back', async () => {
  const phone = newPhone(server, 'ios')
  phone.user = 'otto'
  phone.open()
  await phone.quiet()
  phone.notifications.permission = 'denied'
  phone.toForeground()
  await phone.quiet()
  expect(phone.belfry.getState()).toMatchObject({ permission: 'denied', registration: 'off', pushToken: null })
  expect(await devicesOf(server, 'otto')).toEqual([])
  phone.notifications.permission = 'granted'
  phone.toForeground()
  await phone.quiet()
  expect(await devicesOf(server, 'otto')).toHaveLength(1)
})

test('taken away while the app was closed, and the bearer token of then has expired: it is said with the one of now', async () => {
  const phone = newPhone(server, 'ios')
  const { mintToken } = await import('../../test/kit/server.ts')
  phone.user = 'paul'
  phone.open()
  await phone.quiet()
  phone.die()
  const then = { bearer: mintToken('paul', { exp: 1 }), pushToken: phone.notifications.expoToken }
  phone.disk.set('belfry.holders', JSON.stringify([then]))
  phone.notifications.permission = 'denied'
  phone.open()
  await phone.quiet()
  expect(await devicesOf(server, 'paul')).toEqual([])
  const calls = phone.calls.length
  phone.toForeground()
  await phone.quiet()
  expect(phone.calls, 'once').toHaveLength(calls)
})

test('a Yes registers at once; iOS may be asked for the quiet kind', async () => {
  for (const provisional of [false, true]) {
    const phone = newPhone(server, 'ios')
    phone.notifications.permission = 'undetermined'
    phone.user = `kim-${provisional}`
    phone.open()
    await phone.quiet()
    expect(await phone.belfry.askPermission({ provisional })).toBe(provisional ? 'provisional' : 'granted')
    await phone.quiet()
    expect(await devicesOf(server, phone.user)).toHaveLength(1)
  }
})

test('where no push can arrive nothing is asked and nothing fails', async () => {
  const phone = newPhone(server)
  phone.user = 'lena'
  phone.device.unsupported = 'expo_go'
  // As the real one in Expo Go on Android.
  phone.notifications.module.addPushTokenListener = () => {
    throw new Error('removed from Expo Go')
  }
  phone.open()
  await phone.quiet()
  expect(phone.belfry.getState()).toMatchObject({ permission: 'unsupported', registration: 'off' })
  expect(await phone.belfry.askPermission()).toBe('unsupported')
  expect(phone.calls).toEqual([])
})

test('without any Expo package around, the client says that it is unsupported', async () => {
  const { Belfry } = await import('../src/belfry.ts')
  const belfry = new Belfry({ baseUrl: server.url, getAuthToken: () => null })
  const stop = belfry.start()
  expect(await belfry.askPermission()).toBe('unsupported')
  expect(await belfry.logOut()).toBe('done')
  stop()
})

test('installed again: nothing is known of before, and the same token is one device', async () => {
  const phone = newPhone(server, 'ios')
  phone.open()
  await phone.logIn('maja')
  const [before] = await devicesOf(server, 'maja')
  phone.die()
  phone.disk.clear()
  phone.user = null
  phone.open()
  await phone.logIn('maja')
  const [after, ...others] = await devicesOf(server, 'maja')
  expect(others).toEqual([])
  expect(after!.installation_id).not.toBe(before!.installation_id)
  expect(after!.push_token).toBe(before!.push_token)
})

test('another account on the same phone takes the token over', async () => {
  const phone = newPhone(server)
  phone.open()
  await phone.logIn('mia')
  await phone.logIn('noah')
  expect(await ownersOf(server, phone.notifications.expoToken, ['mia', 'noah'])).toEqual(['noah'])
})

test('with a token that has changed meanwhile, the account before does not keep the old one', async () => {
  const phone = newPhone(server)
  phone.open()
  await phone.logIn('rosa')
  phone.network = 'off'
  phone.notifications.rotate(newPushToken())
  await phone.quiet()
  phone.network = 'on'
  await phone.logIn('sami')
  expect(await devicesOf(server, 'rosa')).toEqual([])
  expect(await devicesOf(server, 'sami')).toHaveLength(1)
})
