/** What arrives while the app is open, and taps: followed once, warm, cold and after a reload. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Server } from '../../test/kit/server.ts'
import type { BelfryOptions } from '../src/belfry.ts'
import { pathOf, type Tap, tapOf } from '../src/taps.ts'
import { notificationWith } from './fake-notifications.ts'
import { newPhone, type Phone } from './phone.ts'
import { startSandbox } from './sandbox.ts'

let server: Server
beforeAll(async () => void (server = await startSandbox()))
afterAll(() => server?.kill9())

const routes = { post_detail: '/posts/[post_id]', messages: '/messages/[sender_id]' }
const post = (id: string) => notificationWith({ screen: 'post_detail', post_id: `post ${id}`, notification_id: id })
const message = (id: string, sender_id = 'ada') =>
  notificationWith({ screen: 'messages', message_id: 'm', message_type: 'text', sender_id, notification_id: id })

/** Opens the app so that what it is led to can be looked at. */
async function open(phone: Phone, options: Partial<BelfryOptions> = {}): Promise<{ taps: Tap[]; paths: string[] }> {
  const led = { taps: [] as Tap[], paths: [] as string[] }
  phone.user ??= 'reader'
  phone.open({ routes, navigate: (path) => led.paths.push(path), onTap: (tap) => led.taps.push(tap), ...options })
  await phone.quiet()
  return led
}

const openedReports = (phone: Phone) =>
  phone.calls.filter(({ path }) => path.endsWith('/opened')).map(({ path }) => path)

test('a tap leads to its screen, once, and is reported', async () => {
  const phone = newPhone(server)
  const led = await open(phone)
  const tapped = post('n-1')
  phone.notifications.tap(tapped)
  phone.notifications.tap(tapped)
  await phone.quiet()
  expect(led.paths).toEqual(['/posts/post%20n-1'])
  expect(led.taps).toMatchObject([{ screen: 'post_detail', post_id: 'post n-1', title: 'A title', action: undefined }])
  expect(openedReports(phone)).toEqual(['/api/notifications/n-1/opened'])
})

test('a tap that starts the app is followed once, and not again after a reload', async () => {
  for (const clears of [true, false]) {
    const phone = newPhone(server, 'ios')
    if (!clears) delete phone.notifications.module.clearLastNotificationResponse
    phone.notifications.tap(message(`cold-${clears}`))
    expect((await open(phone)).paths).toEqual(['/messages/ada'])
    phone.die()
    expect((await open(phone)).paths).toEqual([])
    expect(openedReports(phone)).toHaveLength(1)
  }
})

test('a cold start heard of in both ways is one', async () => {
  const phone = newPhone(server)
  const tapped = message('both')
  phone.notifications.tap(tapped)
  const led = await open(phone)
  phone.notifications.tap(tapped)
  await phone.quiet()
  expect(led.paths).toHaveLength(1)
})

test('a tap that starts the app waits until the router has a screen to lead to', async () => {
  const phone = newPhone(server, 'ios')
  phone.notifications.tap(message('early'))
  let hasScreen = false
  const paths: string[] = []
  const navigate = (path: string) => {
    if (!hasScreen) throw new Error('Attempted to navigate before mounting the Root Layout component')
    paths.push(path)
  }
  await open(phone, { navigate })
  await phone.pass(500)
  hasScreen = true
  await phone.pass(500)
  expect(paths).toEqual(['/messages/ada'])
})

test('opening is reported later when the server is away, and once', async () => {
  const phone = newPhone(server)
  await open(phone)
  phone.network = 'off'
  phone.notifications.tap(post('away'))
  await phone.quiet()
  phone.die()
  phone.network = 'on'
  await open(phone)
  expect(openedReports(phone)).toEqual(['/api/notifications/away/opened'])
  expect(phone.disk.get('belfry.opened')).toBe('[]')
})

test('the conversation that is open is not shown over itself, others are', async () => {
  const phone = newPhone(server)
  await open(phone)
  phone.belfry.setViewing({ screen: 'messages', sender_id: 'ada' })
  await phone.quiet()
  expect(await phone.notifications.receive(message('f-1'))).toBe(false)
  expect(await phone.notifications.receive(message('f-2', 'bob'))).toBe(true)
  phone.belfry.setViewing(null)
  await phone.quiet()
  expect(await phone.notifications.receive(message('f-3'))).toBe(true)
})

test('the app may decide otherwise; a repeat is not shown a second time', async () => {
  const phone = newPhone(server)
  await open(phone, { onForeground: ({ request }) => (request.content.data?.post_id === 'post no' ? 'hide' : 'show') })
  expect(await phone.notifications.receive(post('no'))).toBe(false)
  expect(await phone.notifications.receive(post('yes'))).toBe(true)
  expect(await phone.notifications.receive(post('yes'))).toBe(false)
})

test('an app that fails while deciding still shows it', async () => {
  const phone = newPhone(server)
  await open(phone, { onForeground: () => Promise.reject(new Error('a fault of the app')) })
  expect(await phone.notifications.receive(post('fault'))).toBe(true)
})

test('data from elsewhere cannot lead anywhere but to the routes', () => {
  const tap = (data: Record<string, unknown>) =>
    tapOf({ actionIdentifier: 'expo.modules.notifications.actions.DEFAULT', notification: notificationWith(data) })
  expect(pathOf(tap({ screen: 'post_detail', post_id: '../admin?x=1#y' }), routes)).toBe(
    '/posts/..%2Fadmin%3Fx%3D1%23y',
  )
  expect(pathOf(tap({ screen: 'post_detail', post_id: { a: 1 } }), routes)).toBeUndefined()
  expect(pathOf(tap({ screen: 'post_detail' }), routes)).toBeUndefined()
  expect(pathOf(tap({ screen: 'constructor' }), routes)).toBeUndefined()
  expect(pathOf(tap({ screen: 'https://evil.example', url: 'https://evil.example' }), routes)).toBeUndefined()
  expect(tap({ screen: 'messages', message_id: 1, sender_id: 'a', notification_id: 'n' }).screen).toBeUndefined()
})

test('a button on a notification is the callback’s, not the router’s', async () => {
  const phone = newPhone(server)
  const led = await open(phone)
  phone.notifications.tap(message('button'), 'reply')
  await phone.quiet()
  expect(led.taps).toMatchObject([{ action: 'reply', sender_id: 'ada' }])
  expect(led.paths).toEqual([])
})
