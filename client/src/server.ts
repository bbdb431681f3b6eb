/** The calls to the Belfry server. Whatever comes back is a value; nothing is thrown. */
import type { PushTokenRegistration, PushTokenRemoval, Refusal } from '../../src/domain/app-api.ts'
import type { Device } from './device.ts'

/** What went wrong, in the server's words where it said any. */
export interface Trouble {
  /** `offline`, one of the server's codes, or one of Expo's (`ERR_NOTIFICATIONS_…`). */
  code: string
  message: string
  /** What to do about it, for who builds the app, where the server said so. */
  hint?: string
  /** When to come back, if somebody said so. */
  afterMs?: number
}

/** `later`: nobody has decided anything. `refused`: the same call will never be taken; `stranger`: not from this bearer. */
export type Answer = { kind: 'ok' } | ({ kind: 'later' | 'refused' | 'stranger' } & Trouble)

export interface Server {
  register(bearer: string, body: PushTokenRegistration): Promise<Answer>
  unregister(bearer: string, body: PushTokenRemoval): Promise<Answer>
  opened(bearer: string, notificationId: string): Promise<Answer>
}

export function belfryServer(baseUrl: string, device: Pick<Device, 'fetch'>): Server {
  const base = baseUrl.replace(/\/+$/, '')
  const call = async (method: string, path: string, bearer: string, json?: object): Promise<Answer> => {
    const headers: Record<string, string> = { authorization: `Bearer ${bearer}` }
    if (json) headers['content-type'] = 'application/json'
    try {
      const response = await device.fetch(base + path, { method, headers, body: json && JSON.stringify(json) })
      if (response.status >= 200 && response.status < 300) return { kind: 'ok' }
      const said = (await response.json().catch(() => ({}))) as Partial<Refusal>
      return {
        kind: kindOf(response.status, said),
        code: said.code ?? `http_${response.status}`,
        message: said.error ?? `The server answered ${response.status}`,
        hint: said.hint,
        afterMs: secondsIn(response.headers.get('retry-after')),
      }
    } catch (error) {
      return { kind: 'later', code: 'offline', message: String(error) }
    }
  }
  const tokens = '/api/users/push-token'
  return {
    register: (bearer, body) => call('POST', tokens, bearer, body),
    unregister: (bearer, body) => call('DELETE', tokens, bearer, body),
    opened: (bearer, id) => call('POST', `/api/notifications/${encodeURIComponent(id)}/opened`, bearer),
  }
}

function kindOf(status: number, { code }: Partial<Refusal>): 'later' | 'refused' | 'stranger' {
  if (status === 401) return 'stranger'
  // A 404 that is not in the server's words is of a proxy that has no server just now.
  if (status === 404 && code === undefined) return 'later'
  return status >= 500 || status === 408 || status === 429 ? 'later' : 'refused'
}

/** A timer of a month or more would be due at once. */
function secondsIn(header: string | null): number | undefined {
  return header !== null && /^\d{1,6}$/.test(header) ? Number(header) * 1000 : undefined
}
