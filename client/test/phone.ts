/** A phone with the app on it: a disk, a network, a clock, and the real client speaking real HTTP to the real server. */

import { mintToken, type Server } from '../../test/kit/server.ts'
import { newPushToken } from '../../test/kit/world.ts'
import { Belfry, type BelfryOptions } from '../src/belfry.ts'
import type { Device, HttpRequest, HttpResponse } from '../src/device.ts'
import { type FakeNotifications, fakeNotifications } from './fake-notifications.ts'

export interface Phone {
  notifications: FakeNotifications
  device: Device
  disk: Map<string, string>
  network: 'on' | 'off' | 'loses_answers'
  /** Every call that reached the server, as `POST /api/users/push-token` and its status. */
  calls: { method: string; path: string; status: number; body: Record<string, unknown> }[]
  /** Who the app considers logged in. */
  user: string | null
  /** Their bearer token; the same until it is refreshed. */
  bearer: () => string | null
  refreshBearer(): void
  belfry: Belfry
  /** Starts the app's process, after `die` or for the first time. */
  open(options?: Partial<BelfryOptions>): Belfry
  die(): void
  toForeground(): void
  /** Time passes, and what was due happens. */
  pass(ms: number): Promise<void>
  /** Until nothing is going on any more. */
  quiet(): Promise<void>
  logIn(user: string): Promise<void>
  logOut(): Promise<'done' | 'later'>
}

const never = new Promise<never>(() => {})

export function newPhone(server: Server, platform: 'ios' | 'android' = 'android'): Phone {
  let now = Date.now()
  let busy = 0
  let stop = () => {}
  let life = 0
  let isAlive = false
  const bearers = new Map<string, string>()
  let tokens = 0
  const timers = new Map<() => void, number>()
  const watchers = new Set<() => void>()

  async function fetchFrom(url: string, request: HttpRequest): Promise<HttpResponse> {
    busy++
    try {
      if (phone.network === 'off') throw new TypeError('Network request failed')
      const response = await fetch(url, request)
      const text = await response.text()
      const path = url.slice(server.url.length)
      const body = request.body === undefined ? {} : (JSON.parse(request.body) as Record<string, unknown>)
      phone.calls.push({ method: request.method, path, status: response.status, body })
      if (phone.network === 'loses_answers') throw new TypeError('Network request failed')
      return { status: response.status, headers: response.headers, json: async () => JSON.parse(text) as unknown }
    } finally {
      busy--
    }
  }

  const phone: Phone = {
    notifications: fakeNotifications({ platform, expoToken: newPushToken() }),
    disk: new Map(),
    network: 'on',
    calls: [],
    user: null,
    belfry: undefined as never,
    device: {
      platform,
      unsupported: null,
      notifications: null,
      projectId: 'a-project',
      appVersion: '1.2.3',
      storage: {
        get: async (name) => phone.disk.get(name) ?? null,
        set: async (name, value) => void phone.disk.set(name, value),
      },
      locale: () => 'de-AT',
      timeZone: () => 'Europe/Vienna',
      onForeground(listener) {
        watchers.add(listener)
        return () => void watchers.delete(listener)
      },
      fetch: fetchFrom,
      now: () => now,
      after(ms, work) {
        const entry = () => work()
        timers.set(entry, now + ms)
        return () => void timers.delete(entry)
      },
      random: () => 0.5,
    },
    bearer: () => {
      const { user } = phone
      if (user !== null && !bearers.has(user)) bearers.set(user, mintToken(user, { jti: String(++tokens) }))
      return user === null ? null : bearers.get(user)!
    },
    refreshBearer: () => bearers.clear(),
    open(options = {}) {
      phone.device.notifications = phone.notifications.module
      const ofLife = ++life
      isAlive = true
      /** What a process that is gone would still do does not happen, and it hears of nothing. */
      const alive = <T>(work: () => Promise<T>): Promise<T> =>
        ofLife === life ? work().then((answer) => (ofLife === life ? answer : never)) : never
      const { storage } = phone.device
      const device: Device = {
        ...phone.device,
        fetch: (url, request) => alive(() => phone.device.fetch(url, request)),
        storage: { get: (name) => alive(() => storage.get(name)), set: (...pair) => alive(() => storage.set(...pair)) },
      }
      phone.belfry = new Belfry({ baseUrl: server.url, getAuthToken: phone.bearer, device, ...options })
      stop = phone.belfry.start()
      return phone.belfry
    },
    die() {
      life++
      isAlive = false
      stop()
      timers.clear()
      watchers.clear()
      phone.notifications.die()
    },
    toForeground() {
      for (const watcher of watchers) watcher()
    },
    async pass(ms) {
      now += ms
      for (const [work, at] of timers) if (at <= now && timers.delete(work)) work()
      await phone.quiet()
    },
    async quiet() {
      if (isAlive) await phone.belfry?.ready()
      for (let calm = 0; calm < 3; calm = busy === 0 ? calm + 1 : 0) await new Promise((done) => setTimeout(done, 2))
    },
    async logIn(user) {
      phone.user = user
      await phone.belfry.logIn()
      await phone.quiet()
    },
    async logOut() {
      const how = await phone.belfry.logOut()
      phone.user = null
      await phone.quiet()
      return how
    },
  }
  return phone
}

interface Listed {
  push_token: string
  active: boolean
  [field: string]: unknown
}

/** What the server would ring for this user. */
export async function devicesOf(server: Server, user: string): Promise<Listed[]> {
  const response = await fetch(`${server.url}/api/users/push-token`, {
    headers: { authorization: `Bearer ${mintToken(user)}` },
  })
  const { push_tokens } = (await response.json()) as { push_tokens: Listed[] }
  return push_tokens.filter(({ active }) => active)
}

/** Who of them is rung on this phone. */
export async function ownersOf(server: Server, token: string, users: string[]): Promise<string[]> {
  const lists = await Promise.all(users.map((user) => devicesOf(server, user)))
  return users.filter((_, at) => lists[at]!.some(({ push_token }) => push_token === token))
}
