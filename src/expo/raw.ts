/** One request to Expo as it is, and its answer as it came: for looking at, not for sending. */
import { exchangeOnce, jsonHeaders } from './exchange.ts'

export type RawAnswer = { kind: 'answer'; status: number; text: string } | { kind: 'unreachable'; reason: string }

export async function sendRaw(request: {
  sendUrl: string
  accessToken?: string
  body: unknown
  timeoutMs: number
}): Promise<RawAnswer> {
  const url = new URL(request.sendUrl)
  try {
    const { status, body } = await exchangeOnce({
      url,
      headers: jsonHeaders(request.accessToken),
      body: JSON.stringify(request.body),
      timeoutMs: request.timeoutMs,
    })
    return { kind: 'answer', status, text: body }
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    return { kind: 'unreachable', reason: code ?? message }
  }
}
