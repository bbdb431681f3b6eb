/** One request to Expo as it is, and its answer as it came: for looking at, not for sending. */
import { Client } from 'undici'
import { MAX_BODY_BYTES, readBody } from './body.ts'

export type RawAnswer = { kind: 'answer'; status: number; text: string } | { kind: 'unreachable'; reason: string }

export async function sendRaw(request: {
  sendUrl: string
  accessToken?: string
  body: unknown
  timeoutMs: number
}): Promise<RawAnswer> {
  const url = new URL(request.sendUrl)
  const client = new Client(url.origin, { maxResponseSize: MAX_BODY_BYTES })
  try {
    const response = await client.request({
      method: 'POST',
      path: url.pathname,
      headers: {
        accept: 'application/json',
        'content-type': 'application/json',
        ...(request.accessToken === undefined ? {} : { authorization: `Bearer ${request.accessToken}` }),
      },
      body: JSON.stringify(request.body),
      signal: AbortSignal.timeout(request.timeoutMs),
    })
    return { kind: 'answer', status: response.statusCode, text: await readBody(response) }
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    return { kind: 'unreachable', reason: code ?? message }
  } finally {
    await client.destroy()
  }
}
