/** Where settings come from: the file `.env`, and what counts as not set. */
import { readFileSync, statSync } from 'node:fs'
import { parseEnv } from 'node:util'
import { ConfigFault } from './fault.ts'

export function readEnvFile(path: string): NodeJS.ProcessEnv {
  try {
    return parseEnv(readFileSync(path, 'utf8'))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {}
    throw new ConfigFault([`.env: cannot be read (${(error as NodeJS.ErrnoException).code ?? 'not text'})`])
  }
}

/** Undefined: there is none. */
export function changedAt(path: string): Date | undefined {
  return statSync(path, { throwIfNoEntry: false })?.mtime
}

/** An empty setting counts as unset: that is how people switch a line of `.env` off. */
export function withoutEmpty(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined && value.trim() !== ''))
}
