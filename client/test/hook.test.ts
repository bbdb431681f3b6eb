/** The component and the hook, as React runs them. */
import { createElement, StrictMode } from 'react'
// @ts-expect-error: it brings no types, and these two functions need none.
import { act as actOf, create as createOf } from 'react-test-renderer'
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { until } from '../../test/kit/guard.ts'
import type { Server } from '../../test/kit/server.ts'
import { BelfryProvider, type UseBelfry, useBelfry, useViewing } from '../src/react.ts'
import type { BelfryState } from '../src/state.ts'
import { notificationWith } from './fake-notifications.ts'
import { devicesOf, newPhone, type Phone } from './phone.ts'
import { startSandbox } from './sandbox.ts'

const act = actOf as (work: () => Promise<unknown> | void) => Promise<void>
const create = createOf as (element: unknown) => { update(element: unknown): void; unmount(): void }

let server: Server
beforeAll(async () => void (server = await startSandbox()))
afterAll(() => server?.kill9())
beforeEach(() => {
  vi.stubGlobal('IS_REACT_ACT_ENVIRONMENT', true)
  // The renderer says at every start that it is an old one.
  vi.spyOn(console, 'error').mockImplementation(() => {})
})

/** Of the provider's own Belfry, whatever is rendered inside. */
let seenState: () => BelfryState | undefined = () => undefined
const Watcher = () => {
  const { belfry } = useBelfry()
  seenState = belfry.getState
  return null
}

async function render(phone: Phone, inside: () => null, more: object = {}) {
  phone.device.notifications = phone.notifications.module
  const app = () =>
    createElement(
      StrictMode,
      null,
      createElement(
        BelfryProvider,
        { baseUrl: server.url, getAuthToken: phone.bearer, device: phone.device, ...(more as object) },
        createElement(Watcher),
        createElement(inside),
      ),
    )
  let root!: ReturnType<typeof create>
  await act(async () => void (root = create(app())))
  await act(() => phone.quiet())
  await act(() => until('the permission', () => (seenState()?.permission ?? 'none') !== 'unknown'))
  return { root, again: () => act(async () => root.update(app())) }
}

test('the hook shows the state and does what it is told', async () => {
  const phone = newPhone(server)
  phone.notifications.permission = 'undetermined'
  phone.user = 'ada'
  let seen!: UseBelfry
  const { root, again } = await render(phone, () => ((seen = useBelfry()), null))
  expect(seen).toMatchObject({ permission: 'undetermined', registration: 'off' })
  await act(() => seen.askPermission())
  await act(() => phone.quiet())
  expect(seen).toMatchObject({ permission: 'granted', registration: 'registered' })
  expect(seen.pushToken).toBe(phone.notifications.expoToken)
  expect(await devicesOf(server, 'ada')).toHaveLength(1)
  await again()
  expect(phone.calls).toHaveLength(1)
  await act(() => seen.logOut())
  expect(seen).toMatchObject({ registration: 'off' })
  expect(await devicesOf(server, 'ada')).toEqual([])
  await act(async () => root.unmount())
})

test('StrictMode starts it twice, and a tap is still followed once, by the newest callback', async () => {
  const phone = newPhone(server, 'ios')
  const old = vi.fn<(path: string) => void>()
  const newest = vi.fn<(path: string) => void>()
  const options = { routes: { messages: '/messages/[sender_id]' }, navigate: old }
  const { root, again } = await render(phone, () => null, options)
  options.navigate = newest
  await again()
  await act(async () => phone.notifications.tap(notificationWith({ screen: 'messages', sender_id: 'bob' })))
  expect(old).not.toHaveBeenCalled()
  expect(newest.mock.calls).toEqual([['/messages/bob']])
  await act(async () => root.unmount())
})

test('a screen that is open keeps its own notifications quiet, as long as it is open', async () => {
  const phone = newPhone(server)
  let isOpen = true
  const Screen = () => (useViewing({ screen: 'messages', sender_id: 'bob' }), null)
  const { root, again } = await render(phone, (() => (isOpen ? createElement(Screen) : null)) as () => null)
  const message = (id: string) => notificationWith({ screen: 'messages', sender_id: 'bob', notification_id: id })
  expect(await phone.notifications.receive(message('1'))).toBe(false)
  isOpen = false
  await again()
  await act(() => phone.quiet())
  expect(await phone.notifications.receive(message('2'))).toBe(true)
  await act(async () => root.unmount())
})

test('the hook alone, with options, needs no provider; without either it says what is missing', async () => {
  const phone = newPhone(server)
  phone.device.notifications = phone.notifications.module
  phone.user = 'cleo'
  let seen!: UseBelfry
  const Alone = () => (
    (seen = useBelfry({ baseUrl: server.url, getAuthToken: phone.bearer, device: phone.device })), null
  )
  let root!: ReturnType<typeof create>
  await act(async () => void (root = create(createElement(Alone))))
  await act(() => until('the registration', () => seen.registration === 'registered'))
  await act(async () => root.unmount())
  const Lost = () => (useBelfry(), null)
  await expect(act(async () => void create(createElement(Lost)))).rejects.toThrow('needs a BelfryProvider')
})
