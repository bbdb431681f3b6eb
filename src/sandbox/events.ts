/** Server-sent events to open pages. Bursts are gathered: a page gets each phone at most once every few milliseconds. */
import type { ServerResponse } from 'node:http'
import type { PhoneEvent } from './phones/phones.ts'

const GATHER_MS = 40
const HEARTBEAT_MS = 15_000
/** Open pages at once; the oldest goes when there are more. */
const MAX_LISTENERS = 50
/** A page that does not read is dropped; it reconnects by itself. */
const MAX_UNREAD_BYTES = 4 * 1024 * 1024

export interface Gathered {
  /** Phones that changed, each with the notifications that rang since the last word. */
  phones: Map<string, string[]>
  removed: string[]
  strangers: boolean
}

type Write = (gathered: Gathered) => { event: string; data: unknown }[]

export class Events {
  readonly #listeners = new Set<ServerResponse>()
  readonly #describe: Write
  readonly #heartbeat: NodeJS.Timeout
  #gathered = nothing()
  #timer: NodeJS.Timeout | undefined

  constructor(describe: Write) {
    this.#describe = describe
    this.#heartbeat = setInterval(() => this.#writeAll(':\n\n'), HEARTBEAT_MS).unref()
  }

  listen(response: ServerResponse, first: unknown): void {
    if (this.#listeners.size >= MAX_LISTENERS) this.#listeners.values().next().value?.end()
    response.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
    })
    response.write(`retry: 1500\n${line('hello', first)}`)
    this.#listeners.add(response)
    response.on('close', () => this.#listeners.delete(response))
  }

  tell(event: PhoneEvent): void {
    if (this.#listeners.size === 0) return
    if (event.kind === 'strangers') this.#gathered.strangers = true
    else if (event.kind === 'removed') this.#gathered.removed.push(event.id)
    else {
      const rang = this.#gathered.phones.get(event.id) ?? []
      if (event.rang !== undefined) rang.push(event.rang)
      this.#gathered.phones.set(event.id, rang)
    }
    this.#timer ??= setTimeout(() => this.#flush(), GATHER_MS).unref()
  }

  close(): void {
    clearInterval(this.#heartbeat)
    clearTimeout(this.#timer)
    for (const listener of this.#listeners) listener.end()
  }

  #flush(): void {
    this.#timer = undefined
    const gathered = this.#gathered
    this.#gathered = nothing()
    this.#writeAll(
      this.#describe(gathered)
        .map(({ event, data }) => line(event, data))
        .join(''),
    )
  }

  #writeAll(text: string): void {
    for (const listener of this.#listeners) {
      if (listener.writableLength > MAX_UNREAD_BYTES) listener.destroy()
      else listener.write(text)
    }
  }
}

function nothing(): Gathered {
  return { phones: new Map(), removed: [], strangers: false }
}

function line(event: string, data: unknown): string {
  return `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`
}
