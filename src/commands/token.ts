import { isUserId, mintJwt } from '../api/callers/jwt.ts'
import { readConfig } from '../config.ts'
import { jwtSecretOf } from '../secrets.ts'
import { CommandFault } from './fault.ts'
import { noDuration, secondsOf } from './times.ts'

/** Prints a bearer token for trying things. The database stays closed: the server may be running. */
export async function token(user: string, options: { name?: string; ttl: string }): Promise<void> {
  const config = readConfig()
  const secret = jwtSecretOf(config)
  if (secret === undefined)
    throw new CommandFault('JWKS_URL is set: tokens come from whoever holds the keys there, not from here.')
  if (!isUserId(user)) throw new CommandFault('A user id has 1 to 128 characters.')
  const jwt = { ...config.settings.jwt, secret }
  const seconds = secondsOf(options.ttl)
  if (seconds < 1) throw noDuration(options.ttl)
  const made = await mintJwt(jwt, { id: user, name: options.name ?? null }, seconds)
  process.stdout.write(`${made}\n`)
}
