/** People at the API: what they send, and how long they waited. */
import { Pool } from 'undici'
import { call, eachOf } from '../../test/kit/call.ts'
import { mintToken } from '../../test/kit/server.ts'
import { tokenOf, userOf } from './devices.ts'

const CONNECTIONS = 32

export interface Sent {
  notificationId: string
  /** By this machine's clock, when the POST was begun. */
  at: number
  ms: number
}

const sender = mintToken('sender', { username: 'sender' })
const message = (receiver: string) => ({ receiver_id: receiver, message_type: 'text', content: 'Hello' })

/** Milliseconds since 1970, as finely as the fake Expo counts them. */
export const now = (): number => performance.timeOrigin + performance.now()

export async function sendMessage(url: string, receiver: number): Promise<Sent> {
  const at = now()
  const { status, body, ms } = await call('POST', `${url}/message/send-message`, {
    token: sender,
    json: message(userOf(receiver)),
  })
  if (status !== 200) throw new Error(`a message was answered with ${status}`)
  return { notificationId: body.notification_id as string, at, ms }
}

/** As many as go; resolves when all are answered. */
export async function sendMessages(url: string, receivers: number[]): Promise<void> {
  const requests = receivers.map((receiver) => ({
    path: '/message/send-message',
    token: sender,
    json: message(userOf(receiver)),
  }))
  await asManyAsGo(url, requests)
}

/** People and devices that are new. */
export function newPeople(count: number, round: number): { token: string; pushToken: string }[] {
  return Array.from({ length: count }, (_, n) => ({
    token: mintToken(`new-${round}-${n}`, { username: 'new' }),
    pushToken: tokenOf(1_000_000_000 + round * 1_000_000 + n),
  }))
}

export async function registerAll(url: string, people: ReturnType<typeof newPeople>): Promise<void> {
  const requests = people.map(({ token, pushToken }) => ({
    path: '/api/users/push-token',
    token,
    json: { push_token: pushToken, device_type: 'ios' },
  }))
  await asManyAsGo(url, requests)
}

async function asManyAsGo(url: string, requests: { path: string; token: string; json: object }[]): Promise<void> {
  const pool = new Pool(url, { connections: CONNECTIONS })
  try {
    await eachOf(requests, CONNECTIONS, async ({ path, token, json }) => {
      const headers = { 'content-type': 'application/json', authorization: `Bearer ${token}` }
      const answer = await pool.request({ method: 'POST', path, headers, body: JSON.stringify(json) })
      const text = await answer.body.text()
      if (answer.statusCode !== 200) throw new Error(`${path} was answered with ${answer.statusCode}: ${text}`)
    })
  } finally {
    await pool.close()
  }
}
