/**
 * The door to a real phone. Every package is asked for at run time and may be missing: a bundler takes an `import()`
 * inside `try` for optional, and what is missing costs only what it would have given.
 */
import type { Device, HttpRequest, Storage } from './device.ts'
import type { Packages, SecureStore } from './packages.ts'

/** @param wish takes the place of what is found here. */
export async function expoDevice(wish: Partial<Device> = {}): Promise<Device> {
  return { ...deviceOf(await findPackages()), ...wish }
}

export function deviceOf(found: Packages): Device {
  const { native, application, localization, notifications = null } = found
  const constants = found.constants?.default
  const os = native?.Platform.OS
  return {
    platform: os === 'ios' || os === 'android' ? os : 'other',
    unsupported: reasonAgainst(found),
    notifications,
    storage: found.store ? secure(found.store) : forgetful(),
    projectId: constants?.expoConfig?.extra?.eas?.projectId ?? constants?.easConfig?.projectId,
    appVersion: application?.nativeApplicationVersion ?? constants?.expoConfig?.version,
    locale: () => localization?.getLocales()[0]?.languageTag ?? intl().locale,
    timeZone: () => localization?.getCalendars()[0]?.timeZone ?? intl().timeZone,
    onForeground(listener) {
      const heard = native?.AppState.addEventListener('change', (state) => state === 'active' && listener())
      return () => heard?.remove()
    },
    fetch: timedFetch,
    now: () => Date.now(),
    after(ms, work) {
      const timer = setTimeout(work, ms)
      return () => clearTimeout(timer)
    },
    random: () => Math.random(),
  }
}

async function findPackages(): Promise<Packages> {
  const found: Packages = {}
  try {
    found.notifications = await import('expo-notifications')
  } catch {}
  try {
    found.native = await import('./native.ts')
  } catch {}
  try {
    found.store = await import('expo-secure-store')
  } catch {}
  try {
    found.constants = await import('expo-constants')
  } catch {}
  try {
    found.device = await import('expo-device')
  } catch {}
  try {
    found.application = await import('expo-application')
  } catch {}
  try {
    found.localization = await import('expo-localization')
  } catch {}
  return found
}

function reasonAgainst({ notifications, native, constants, device }: Packages): Device['unsupported'] {
  if (native && native.Platform.OS !== 'ios' && native.Platform.OS !== 'android') return 'not_a_phone'
  if (constants?.default.executionEnvironment === 'storeClient') return 'expo_go'
  if (!notifications) return 'not_installed'
  return device?.isDevice === false ? 'simulator' : null
}

/** Readable after the first unlock, so that a start in the background works; never carried to another phone. */
function secure(store: SecureStore): Storage {
  const options = { keychainAccessible: store.AFTER_FIRST_UNLOCK_THIS_DEVICE_ONLY }
  return {
    // What a restored backup cannot decrypt is gone.
    get: (name) => store.getItemAsync(name, options).catch(() => null),
    set: (name, value) => store.setItemAsync(name, value, options),
  }
}

function forgetful(): Storage {
  const kept = new Map<string, string>()
  return {
    get: async (name) => kept.get(name) ?? null,
    set: async (name, value) => void kept.set(name, value),
  }
}

const intl = () => Intl.DateTimeFormat().resolvedOptions()

/** A phone between two cells may wait for ever. */
const REQUEST_TIMEOUT_MS = 15_000

async function timedFetch(url: string, request: HttpRequest): Promise<Response> {
  const stop = new AbortController()
  const timer = setTimeout(() => stop.abort(), REQUEST_TIMEOUT_MS)
  try {
    return await fetch(url, { ...request, signal: stop.signal })
  } finally {
    clearTimeout(timer)
  }
}
