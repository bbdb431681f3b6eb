import { mintJwt } from '../api/jwt.ts'
import { readConfig } from '../config.ts'
import { jwtSecretOf } from '../secrets.ts'
import { CommandFault } from './fault.ts'

const unitSeconds: Record<string, number> = { s: 1, m: 60, h: 3_600, d: 86_400 }

/** Prints a bearer token for trying things. The database stays closed: the server may be running. */
export async function token(user: string, options: { name?: string; ttl: string }): Promise<void> {
  const config = readConfig()
  const secret = jwtSecretOf(config)
  if (secret === undefined)
    throw new CommandFault('JWKS_URL is set: tokens come from whoever holds the keys there, not from here.')
  if (user === '' || user.length > 128) throw new CommandFault('A user id has 1 to 128 characters.')
  const jwt = { ...config.settings.jwt, secret }
  const made = await mintJwt(jwt, { id: user, name: options.name ?? null }, secondsOf(options.ttl))
  process.stdout.write(`${made}\n`)
}

function secondsOf(ttl: string): number {
  const [, count = '', unit = 's'] = /^(\d{1,9})([smhd])?$/.exec(ttl) ?? []
  const seconds = Number(count) * (unitSeconds[unit] ?? 1)
  if (count === '' || seconds < 1)
    throw new CommandFault(`"${ttl}" is no time; expected something like 30m, 12h or 7d.`)
  return seconds
}
