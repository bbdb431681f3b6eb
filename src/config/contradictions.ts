/** What no setting shows by itself: those that do not go together, and what production asks for. */

export const MIN_OPERATOR_KEY_LENGTH = 24

/** It looks at what was set, so that these faults come with the others. */
export function contradictions(set: NodeJS.ProcessEnv): string[] {
  const faults: string[] = []
  if (set.JWT_SECRET !== undefined && set.JWKS_URL !== undefined)
    faults.push('JWT_SECRET and JWKS_URL: both are set; expected one of them, for one kind of token')
  const role = set.ROLE?.trim().toLowerCase()
  if ((role === 'api' || role === 'worker') && set.DATABASE_URL === undefined)
    faults.push(`ROLE: "${role}" needs a database that processes can share; expected DATABASE_URL to be set, too`)
  if (set.NODE_ENV?.trim() !== 'production') {
    if (role === 'worker' && set.EXPO_PUSH_URL === undefined)
      faults.push('EXPO_PUSH_URL: not set; a worker has no sandbox of its own, expected the address to send to')
    return faults
  }
  if (set.JWT_SECRET === undefined && set.JWKS_URL === undefined)
    faults.push('JWT_SECRET: not set; in production expected JWT_SECRET or JWKS_URL, so that users can be told apart')
  if (set.OPERATOR_KEY === undefined)
    faults.push(`OPERATOR_KEY: not set; in production expected a key of at least ${MIN_OPERATOR_KEY_LENGTH} characters`)
  return faults
}
