/**
 * Everything that can be answered but success, in one table; docs/errors.md is written from it.
 * code: [status, sentence, hint]. `{name}` is filled in where the fault is made.
 */
export const faults = {
  malformed: [400, 'The request is malformed', ''],
  unknown_field: [
    400,
    'Unknown field {field}',
    'Fields that this route does not know are refused, so that no typing error is overlooked.',
  ],
  bad_json: [400, 'The body cannot be read', 'Is it complete, and as Content-Type and Content-Length say?'],
  bad_url: [400, 'The address cannot be read', 'Is every special character in it percent-encoded?'],
  bad_http: [400, 'This is not an HTTP/1.1 request', ''],
  token_malformed: [
    400,
    'Invalid token format',
    'Expected what the app gets from getExpoPushTokenAsync, like ExponentPushToken[xxxxxxxxxxxxxxxxxxxxxx].',
  ],
  idempotency_key: [400, 'The Idempotency-Key cannot be used', 'Expected 1 to 255 visible ASCII characters.'],
  acting_for: [
    400,
    'The header Belfry-User is missing or cannot be used',
    'A server key calls this route for a user: their id of 1 to 128 characters in Belfry-User, their name in Belfry-User-Name, both percent-encoded as UTF-8.',
  ],
  unauthenticated: [401, 'A bearer token is required', 'Send it as "Authorization: Bearer <token>".'],
  token_invalid: [401, 'The bearer token is not valid', ''],
  token_expired: [401, 'The bearer token has expired', 'Sign in again, or refresh the token.'],
  forbidden: [403, 'This caller may not do this', ''],
  wrong_origin: [
    403,
    'This was asked from a page of another site',
    'Open the console at the address that the server has, and sign in there.',
  ],
  wrong_key: [
    403,
    'This is not the operator key',
    'It is in OPERATOR_KEY, or in the file that the server names at its start.',
  ],
  not_found: [404, 'Not found', ''],
  no_push_token: [
    404,
    'No push token found for user {user_id}',
    'The user needs to open the app once so that it registers a token.',
  ],
  too_slow: [408, 'The request took too long to arrive', ''],
  user_erased: [
    409,
    'This user was erased a moment ago',
    'In a minute they can begin anew, as somebody who was never here.',
  ],
  key_ended: [409, 'This key has been revoked or has expired', 'Create a new one; an ended key does not come back.'],
  too_large: [413, 'The body is larger than 256 KB', ''],
  push_too_big: [
    413,
    'Title, body and data together are {bytes} bytes; Expo takes at most 4,096',
    'The phone can fetch what is long: send its id in data.',
  ],
  url_too_long: [414, 'A part of the address is too long', ''],
  media_type: [
    415,
    'This content type is not accepted',
    'Send application/json; for posts application/x-www-form-urlencoded does as well.',
  ],
  expectation: [417, 'This expectation cannot be met', 'Of the Expect header only 100-continue is known.'],
  row_unfit: [
    422,
    'This row cannot be used: {why}',
    'The columns that are looked at are in docs/from-supabase.md; others do not matter.',
  ],
  idempotency_reused: [
    422,
    'This Idempotency-Key has been used with another request',
    'A key names one request; take a new one for a new request.',
  ],
  too_many_moves: [429, 'This push token has changed hands too often today', 'Register it again tomorrow.'],
  too_many_attempts: [429, 'Too many attempts to sign in', 'Wait a minute, and look the key up meanwhile.'],
  too_many_requests: [
    429,
    'Too many requests',
    'Wait as many seconds as Retry-After says. The limits are settings of the server: RATE_LIMIT_PER_USER and the like.',
  ],
  headers_too_large: [431, 'The headers are larger than 16 KB', ''],
  internal: [
    500,
    'Something went wrong here',
    'The log of the server says what, under the id in the header Request-Id.',
  ],
  database_away: [
    503,
    'The database does not answer',
    'Try again in a moment; with an Idempotency-Key, nothing is done twice.',
  ],
  keys_away: [503, 'The keys that check bearer tokens cannot be fetched', 'Can this server reach JWKS_URL?'],
  not_ready: [503, 'Not ready', ''],
  expo_slow: [
    202,
    'Expo has not answered yet',
    'Check that this server reaches {expo}; the log says how the requests went.',
  ],
  pushes_off: [200, 'Push notifications are switched off', 'Set ENABLE_PUSH_NOTIFICATIONS=true and start again.'],
  credentials: [
    200,
    "The app's push credentials were refused, and its devices are suspended",
    "Renew the app's Apple or Google push key in its credentials at Expo; the operator, or a probe, brings them back.",
  ],
  postponed: [
    200,
    'Nothing is sent at the moment: {reason}',
    'Check that this server reaches {expo}, and the access token.',
  ],
  refused: [200, 'No device was reached', 'Each device says why.'],
} as const satisfies Record<string, readonly [status: number, sentence: string, hint: string]>

export type FaultCode = keyof typeof faults

export interface FaultBody {
  success: false
  error: string
  code: FaultCode
  hint?: string
}

export interface FaultDetails {
  /** Says it more exactly than the table. */
  sentence?: string
  hint?: string
  /** For the `{name}`s of the table's sentence and hint. */
  values?: Record<string, string>
  retryAfterSeconds?: number
}

/** Thrown by whoever meets one; the error handler words it. */
export class Fault extends Error {
  readonly code: FaultCode
  readonly details: FaultDetails
  constructor(code: FaultCode, details: FaultDetails = {}) {
    super(code)
    this.code = code
    this.details = details
  }
}

export function statusOf(code: FaultCode): number {
  return faults[code][0]
}

export function bodyOf(code: FaultCode, { sentence, hint, values = {} }: FaultDetails = {}): FaultBody {
  const [, usual, usualHint] = faults[code]
  const filled = (text: string) => text.replace(/\{(\w+)\}/g, (whole, name: string) => values[name] ?? whole)
  const [error, said] = [filled(sentence ?? usual), filled(hint ?? usualHint)]
  return { success: false, error, code, ...(said !== '' && { hint: said }) }
}
