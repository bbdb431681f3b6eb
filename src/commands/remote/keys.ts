/** `belfry keys`: keys of other backends, made, listed, renewed and revoked. */
import { secondsOf, timeOf, told } from '../times.ts'
import { columns, plain, print, server } from './remote.ts'

interface Key {
  id: string
  name: string
  prefix: string
  scopes: string[]
  created_at: string
  last_used_at: string | null
  expires_at: string | null
  revoked_at: string | null
}
interface Made {
  key: Key
  secret: string
}

export async function listKeys(options: { json?: boolean }): Promise<void> {
  const answer = await server().call<{ keys: Key[] }>('GET', '/api/operator/keys')
  print(options.json, answer, () =>
    columns([
      ['ID', 'NAME', 'BEGINS', 'SCOPES', 'CREATED', 'LAST USED', 'STATE'],
      ...answer.keys.map((key) => [
        key.id,
        plain(key.name).slice(0, 40),
        key.prefix,
        key.scopes.join(','),
        told(key.created_at),
        told(key.last_used_at) || 'never',
        stateOf(key),
      ]),
    ]),
  )
}

export async function createKey(
  name: string,
  options: { scopes: string; expires?: string; json?: boolean },
): Promise<void> {
  const made = await server().call<Made>('POST', '/api/operator/keys', {
    name,
    scopes: options.scopes.split(',').map((scope) => scope.trim()),
    ...(options.expires !== undefined && { expires_at: timeOf(options.expires) }),
  })
  tell(made, options, 'Keep it: it is not shown again.')
}

export async function rotateKey(id: string, options: { grace: string; json?: boolean }): Promise<void> {
  const grace = secondsOf(options.grace)
  const made = await server().call<Made>('POST', `/api/operator/keys/${encodeURIComponent(id)}/rotate`, {
    grace_seconds: grace,
  })
  const old = grace === 0 ? 'The old secret has ended.' : `The old secret ends in ${options.grace}.`
  tell(made, options, `Keep it: it is not shown again. ${old}`)
}

export async function revokeKey(id: string, options: { json?: boolean }): Promise<void> {
  const answer = await server().call<object>('DELETE', `/api/operator/keys/${encodeURIComponent(id)}`)
  print(options.json, answer, () => `${id} is revoked`)
}

/** The secret alone on standard output, so that a shell can keep it without showing it. */
function tell(made: Made, options: { json?: boolean }, advice: string): void {
  if (!options.json) process.stderr.write(`${made.key.id} ${plain(made.key.name)}: ${advice}\n`)
  print(options.json, made, () => made.secret)
}

function stateOf({ revoked_at, expires_at }: Key): string {
  if (revoked_at !== null) return `revoked ${told(revoked_at)}`
  if (expires_at === null) return 'live'
  return `${Date.parse(expires_at) < Date.now() ? 'expired' : 'live until'} ${told(expires_at)}`
}
