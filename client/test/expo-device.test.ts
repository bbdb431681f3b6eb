/** The door to a real phone, opened on packages that are there, and on some that are not. */
import { expect, test } from 'vitest'
import { deviceOf } from '../src/expo-device.ts'
import type { Packages } from '../src/packages.ts'
import { fakeNotifications } from './fake-notifications.ts'

const notifications = fakeNotifications({ platform: 'ios', expoToken: 'ExponentPushToken[a]' }).module
const native = (OS: string) => ({ Platform: { OS }, AppState: { addEventListener: () => ({ remove() {} }) } })

test('everything an Expo app has is used', async () => {
  const kept = new Map<string, { value: string; options: object | undefined }>()
  const all: Packages = {
    notifications,
    native: native('ios'),
    store: {
      AFTER_FIRST_UNLOCK_THIS_DEVICE_ONLY: 9,
      getItemAsync: async (key) => kept.get(key)?.value ?? null,
      setItemAsync: async (key, value, options) => void kept.set(key, { value, options }),
    },
    constants: { default: { expoConfig: { version: '1.0.0', extra: { eas: { projectId: 'p' } } } } },
    device: { isDevice: true },
    application: { nativeApplicationVersion: '2.3.4' },
    localization: { getLocales: () => [{ languageTag: 'pt-BR' }], getCalendars: () => [{ timeZone: 'America/Belem' }] },
  }
  const device = deviceOf(all)
  expect(device).toMatchObject({ platform: 'ios', unsupported: null, projectId: 'p', appVersion: '2.3.4' })
  expect([device.locale(), device.timeZone()]).toEqual(['pt-BR', 'America/Belem'])
  await device.storage.set('belfry.a', 'b')
  expect(await device.storage.get('belfry.a')).toBe('b')
  expect(kept.get('belfry.a')!.options, 'never carried to another phone').toEqual({ keychainAccessible: 9 })
})

test('why no push can arrive is said', () => {
  const expoGo = { default: { executionEnvironment: 'storeClient' } }
  expect(deviceOf({ notifications, native: native('web') }).unsupported).toBe('not_a_phone')
  expect(deviceOf({ notifications, native: native('android'), constants: expoGo }).unsupported).toBe('expo_go')
  expect(deviceOf({ notifications, native: native('ios'), device: { isDevice: false } }).unsupported).toBe('simulator')
  expect(deviceOf({ native: native('ios') }).unsupported).toBe('not_installed')
  expect(deviceOf({ notifications, native: native('ios') }).unsupported).toBeNull()
})

test('what is missing costs only what it would have given', async () => {
  const device = deviceOf({ notifications, native: native('android') })
  expect(device.projectId).toBeUndefined()
  expect(device.timeZone()).toBe(Intl.DateTimeFormat().resolvedOptions().timeZone)
  await device.storage.set('a', 'b')
  expect(await device.storage.get('a')).toBe('b')
})

test('a keychain that cannot be read is an empty one', async () => {
  const store = { getItemAsync: () => Promise.reject(new Error('restored')), setItemAsync: async () => {} }
  expect(await deviceOf({ notifications, store }).storage.get('belfry.installation')).toBeNull()
})
