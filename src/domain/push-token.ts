/** What Expo's push tokens look like. A token is a secret that its phone holds: it is never shown whole. */

export const MAX_PUSH_TOKEN_LENGTH = 255

/** Inside the brackets: anything visible but brackets and commas, so that two joined tokens are not one. */
const bracketed = /^Expo(?:nent)?PushToken\[[!-+\--Z\\^-~]+\]$/
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i
/** Both, for the OpenAPI document. */
export const PUSH_TOKEN_PATTERN = `${bracketed.source}|${uuid.source.replaceAll('a-f', 'a-fA-F')}`
const bracketedAnywhere = /(Expo(?:nent)?PushToken)\[([^\]\s]{0,255})\]?/g

export function isPushToken(value: unknown): value is string {
  if (typeof value !== 'string' || value.length > MAX_PUSH_TOKEN_LENGTH) return false
  return bracketed.test(value) || uuid.test(value)
}

/** `ExponentPushToken[abc…]`: enough to tell two apart, too little to send with. Masking twice changes nothing. */
export function maskPushToken(token: string): string {
  const masked = maskPushTokensIn(token)
  return masked === token && !token.includes('…') ? `${token.slice(0, 3)}…` : masked
}

/** For sentences that Expo writes: they quote the token they speak of. */
export function maskPushTokensIn(sentence: string): string {
  return sentence.replace(bracketedAnywhere, (_, kind: string, inner: string) => `${kind}[${inner.slice(0, 3)}…]`)
}
