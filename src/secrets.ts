/** Secrets that nobody configured are made once and kept in DATA_DIR, readable by their owner only. */
import { randomBytes } from 'node:crypto'
import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Config, ConfigFault } from './config.ts'

export interface KeptSecrets {
  /** None when tokens are checked with the key set at JWKS_URL. */
  jwtSecret?: string
  operatorKey: string
  operatorKeyFile?: string
}

export function keptSecrets(config: Config): KeptSecrets {
  const { settings, secrets } = config
  const jwtSecret = jwtSecretOf(config)
  const file = join(settings.dataDir, 'operator-key')
  return {
    jwtSecret,
    operatorKey: secrets.operatorKey ?? keep(file),
    operatorKeyFile: secrets.operatorKey === undefined ? file : undefined,
  }
}

export function jwtSecretOf({ settings, secrets }: Config): string | undefined {
  if (settings.jwt.jwksUrl !== undefined) return undefined
  return secrets.jwtSecret ?? keep(join(settings.dataDir, 'jwt-secret'))
}

/** Two processes may start at once: the first whole file wins, and both use it. */
function keep(file: string): string {
  const known = readKept(file)
  if (known !== undefined) return known
  const draft = `${file}.${process.pid}.${randomBytes(4).toString('hex')}`
  try {
    mkdirSync(join(file, '..'), { recursive: true, mode: 0o700 })
    writeFileSync(draft, `${randomBytes(32).toString('base64url')}\n`, { mode: 0o600 })
    linkSync(draft, file)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw cannotKeep(file, error)
  } finally {
    rmSync(draft, { force: true })
  }
  const kept = readKept(file)
  if (kept === undefined) throw cannotKeep(file, undefined)
  return kept
}

function readKept(file: string): string | undefined {
  try {
    const kept = readFileSync(file, 'utf8').trim()
    if (kept.length >= 32) return kept
    throw new ConfigFault([`DATA_DIR: ${file} is damaged; remove it, and a new one is made at the next start`])
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error instanceof ConfigFault ? error : cannotKeep(file, error)
  }
}

function cannotKeep(file: string, error: unknown): ConfigFault {
  const code = (error as NodeJS.ErrnoException | undefined)?.code ?? 'unknown'
  return new ConfigFault([`DATA_DIR: ${file} cannot be used (${code}); expected a folder that this user may write to`])
}
