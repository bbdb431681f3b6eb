/** What users' bearer tokens, and Supabase's webhooks, are checked with. */
import type { Config } from '../../config.ts'
import { type Finding, fault, fine, reasonOf, TIMEOUT_MS, warn } from './finding.ts'

const MAX_BYTES = 1_000_000

/** What users' bearer tokens are checked with. */
export async function keys({ settings, secrets }: Config): Promise<Finding> {
  const { jwksUrl } = settings.jwt
  if (jwksUrl === undefined)
    return fine(
      'bearer tokens',
      `HS256, with ${secrets.jwtSecret === undefined ? 'a secret kept in DATA_DIR' : 'JWT_SECRET'}`,
    )
  try {
    const response = await fetch(jwksUrl, { redirect: 'error', signal: AbortSignal.timeout(TIMEOUT_MS) })
    const text = await response.text()
    if (!response.ok) return fault('bearer tokens', `${jwksUrl} answers ${response.status}`, HINT)
    const { keys: set } = (text.length > MAX_BYTES ? {} : JSON.parse(text)) as { keys?: { kty?: string }[] }
    const usable = Array.isArray(set) ? set.filter((key) => key.kty !== 'oct') : []
    if (usable.length > 0) return fine('bearer tokens', `${jwksUrl} holds ${usable.length} keys`)
    return fault('bearer tokens', `${jwksUrl} holds no public key`, `${HINT} ${SHARED}`)
  } catch (error) {
    if (error instanceof SyntaxError) return fault('bearer tokens', `${jwksUrl} is not JSON`, HINT)
    return fault('bearer tokens', `${jwksUrl} cannot be fetched (${reasonOf(error)})`, HINT)
  }
}

const HINT = 'JWKS_URL has to be the address of a JSON Web Key Set, and this machine has to reach it.'
const SHARED = 'Systems that sign with one shared secret have none; then set JWT_SECRET.'

/** Only what matters when it is set. */
export function webhooks({ secrets }: Config): Finding[] {
  if (secrets.supabaseWebhookSecret === undefined || secrets.supabaseWebhookSecret !== secrets.operatorKey) return []
  return [
    warn(
      'webhooks',
      'SUPABASE_WEBHOOK_SECRET is the operator key: who reads triggers becomes operator',
      'Choose another one.',
    ),
  ]
}
