/** What must survive a restart: who this installation is, what it told the server, and what it still owes. */
import type { Device, Storage } from './device.ts'

/** Somebody in whose name the server was told of this installation, and can be told that it is theirs no more. */
export interface Session {
  bearer: string
  pushToken?: string
  /** The installation itself may be theirs again, under another token; only this token is not. */
  isOldToken?: true
}

interface Kept {
  /** Our own: Expo's and the systems' ids are private, recycled or carried to other phones by backups. */
  installation: string
  /** What the server last confirmed. */
  registration: { token: string; at: number } | null
  /** Who may have this installation at the server: one, or more while answers are missing. */
  holders: Session[]
  /** Sessions that are over for the app; the server still has to hear it. */
  logOuts: Session[]
  /** Notifications whose opening is not reported yet. */
  opened: string[]
  /** The last taps, so that none is followed twice. */
  taps: string[]
}

const MOST = 50
const PREFIX = 'belfry.'

export class Memory {
  readonly #storage: Storage
  readonly #kept: Kept
  #writing: Promise<unknown> = Promise.resolve()

  constructor(storage: Storage, kept: Kept) {
    this.#storage = storage
    this.#kept = kept
  }

  get<Name extends keyof Kept>(name: Name): Kept[Name] {
    return this.#kept[name]
  }

  /** Holds at once; @returns when it is written. A storage that refuses costs only what a restart would have needed. */
  set<Name extends keyof Kept>(name: Name, value: Kept[Name]): Promise<unknown> {
    this.#kept[name] = value
    this.#writing = this.#writing.then(() =>
      this.#storage.set(PREFIX + name, JSON.stringify(value)).catch(() => undefined),
    )
    return this.#writing
  }

  /** Adds to the end, and forgets the oldest beyond the limit. */
  add(name: 'opened' | 'taps', value: string): Promise<unknown> {
    return this.set(name, [...this.#kept[name], value].slice(-MOST))
  }
}

export async function openMemory(device: Pick<Device, 'storage' | 'random'>): Promise<Memory> {
  const read = async <T>(name: keyof Kept, otherwise: T): Promise<T> => {
    const text = await device.storage.get(PREFIX + name).catch(() => null)
    try {
      return text === null ? otherwise : (JSON.parse(text) as T)
    } catch {
      return otherwise
    }
  }
  const installation = await read<string>('installation', '')
  const memory = new Memory(device.storage, {
    installation,
    registration: await read('registration', null),
    holders: await read<Session[]>('holders', []),
    logOuts: await read<Session[]>('logOuts', []),
    opened: await read<string[]>('opened', []),
    taps: await read<string[]>('taps', []),
  })
  if (installation === '') await memory.set('installation', newId(device))
  return memory
}

/** Hermes has no `crypto` of its own. The id is no secret: it works only together with a user's bearer token. */
function newId(device: Pick<Device, 'random'>): string {
  if (typeof crypto !== 'undefined' && crypto.randomUUID) return crypto.randomUUID()
  return 'xxxxxxxx-xxxx-4xxx-8xxx-xxxxxxxxxxxx'.replace(/x/g, () => Math.floor(device.random() * 16).toString(16))
}
