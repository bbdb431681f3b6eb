/** Keeps the phones over a restart: written a moment after a change, whole or not at all. A file that cannot be read is left out. */
import { readFileSync } from 'node:fs'
import { mkdir, rename, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { type Phone, phoneStates } from './phone.ts'
import type { Kept } from './phones.ts'

const WRITE_AFTER_MS = 1000
const VERSION = 1

export class StateFile {
  readonly #path: string
  readonly #state: () => Kept
  #timer: NodeJS.Timeout | undefined
  #writing: Promise<void> = Promise.resolve()

  constructor(path: string, state: () => Kept) {
    this.#path = path
    this.#state = state
  }

  read(): Kept | undefined {
    try {
      const parsed = JSON.parse(readFileSync(this.#path, 'utf8')) as { version: number; kept: Kept }
      return parsed.version === VERSION && isKept(parsed.kept) ? parsed.kept : undefined
    } catch {
      return undefined
    }
  }

  changed(): void {
    this.#timer ??= setTimeout(() => this.#write(), WRITE_AFTER_MS).unref()
  }

  async close(): Promise<void> {
    if (this.#timer) this.#write()
    await this.#writing
  }

  #write(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const text = JSON.stringify({ version: VERSION, kept: this.#state() })
    this.#writing = this.#writing.then(() => this.#replace(text)).catch(() => undefined)
  }

  async #replace(text: string): Promise<void> {
    await mkdir(dirname(this.#path), { recursive: true })
    await writeFile(`${this.#path}.new`, text, { mode: 0o600 })
    await rename(`${this.#path}.new`, this.#path)
  }
}

function isKept(kept: Kept | undefined): kept is Kept {
  const strangers = kept?.strangers
  return Array.isArray(kept?.phones) && kept.phones.every(isPhone) && Array.isArray(strangers?.tokens)
}

function isPhone(phone: Phone): boolean {
  const named = typeof phone?.id === 'string' && typeof phone.token === 'string' && typeof phone.user === 'string'
  return named && phoneStates.includes(phone.state) && Array.isArray(phone.notifications)
}
