/** How Expo refuses a whole request: `{"errors":[{…}]}`, nothing queued. */
import { randomUUID } from 'node:crypto'

export interface RequestRefused {
  status: number
  code: string
  message: string
  details?: Record<string, string[]>
}

const transient = new Set(['TOO_MANY_REQUESTS', 'INTERNAL_SERVER_ERROR'])

export function errorBody(refused: RequestRefused) {
  const { code, message, details } = refused
  const isTransient = transient.has(code)
  const type = isTransient && code !== 'TOO_MANY_REQUESTS' ? 'SYSTEM' : 'USER'
  return { errors: [{ code, type, message, ...(details ? { details } : {}), isTransient, requestId: randomUUID() }] }
}

export function invalid(message: string): RequestRefused {
  return { status: 400, code: 'VALIDATION_ERROR', message }
}

export const unauthorized: RequestRefused = {
  status: 401,
  code: 'UNAUTHORIZED',
  message: 'The bearer token is invalid: this project requires an access token for push notifications.',
}

export const forbidden: RequestRefused = {
  status: 403,
  code: 'UNAUTHORIZED',
  message: 'Insufficient permissions to send push notifications to @sandbox/app.',
}

export const serverError: RequestRefused = {
  status: 500,
  code: 'INTERNAL_SERVER_ERROR',
  message: 'An unknown error occurred.',
}

export function tooManyRequests(ratePerSecond: number): RequestRefused {
  const message = `Exceeded ${ratePerSecond} notifications per second, please try again.`
  return { status: 429, code: 'TOO_MANY_REQUESTS', message }
}
