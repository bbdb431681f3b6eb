/** How the commands speak to the running server. */
import { readFileSync } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import { type Remote, readRemote } from '../../config.ts'
import { CommandFault } from '../fault.ts'

export interface Server {
  url: string
  call<T>(method: string, path: string, body?: unknown): Promise<T>
  /** What may be too long to hold, as it comes. @returns when all of it has been taken. */
  copy(path: string, into: NodeJS.WritableStream): Promise<void>
}

/** As long as the server may take to export or erase somebody in a large installation. */
const TIMEOUT_MS = 300_000

export function server(): Server {
  const remote = readRemote()
  const key = remote.key ?? kept(remote.keyFile)
  if (key === undefined)
    throw new CommandFault(
      `There is no key to show to ${remote.url}. Set BELFRY_KEY, or OPERATOR_KEY, or run this where ${remote.keyFile} is.`,
    )
  const shown = { ...remote, key }
  return {
    url: remote.url,
    call: async <T>(method: string, path: string, body?: unknown) => {
      const response = await ask(shown, method, path, body)
      return (await response.json().catch(() => ({}))) as T
    },
    copy: async (path, into) => {
      const { body } = await ask(shown, 'GET', path)
      await pipeline(body ?? [], into, { end: false }).catch((error: Error) => {
        throw new ServerAway(`${remote.url} broke off (${causeOf(error)}): what was printed is not whole.`)
      })
    },
  }
}

/** The key that a server made for itself. */
export function kept(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8').trim()
  } catch {
    return undefined
  }
}

async function ask({ url, key, keyFrom }: Remote, method: string, path: string, body?: unknown): Promise<Response> {
  const response = await fetch(url + path, {
    method,
    headers: { authorization: `Bearer ${key}`, ...(body !== undefined && { 'content-type': 'application/json' }) },
    ...(body !== undefined && { body: JSON.stringify(body) }),
    redirect: 'error',
    signal: AbortSignal.timeout(TIMEOUT_MS),
  }).catch((error: Error) => {
    throw new ServerAway(
      `${url} does not answer (${causeOf(error)}). Is the server running? BELFRY_URL says where it is.`,
    )
  })
  if (response.ok) return response
  const answer = (await response.json().catch(() => ({}))) as { error?: string; hint?: string }
  if (response.status === 503) throw new ServerAway(answer.error ?? 'The server is not ready.')
  const hint = answer.hint === undefined ? '' : ` ${answer.hint}`
  const from = response.status === 401 || response.status === 403 ? ` The key that was shown is from ${keyFrom}.` : ''
  throw new CommandFault(`${answer.error ?? `The server answered ${response.status}`}.${hint}${from}`)
}

/** It may be there again in a moment. */
export class ServerAway extends CommandFault {}

function causeOf(error: Error): string {
  const cause = error.cause as NodeJS.ErrnoException | undefined
  return cause?.code ?? error.name
}

/** With `--json` the answer as the server gave it, else what a person reads. */
export function print(json: boolean | undefined, answer: unknown, words: () => string): void {
  process.stdout.write(`${json ? JSON.stringify(answer) : words()}\n`)
}

export const count = (value: number): string => value.toLocaleString('en-GB')

/** Columns as wide as what is in them. */
export function columns(rows: string[][]): string {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length))) ?? []
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

/** What strangers wrote could steer the terminal; it is shown without its control characters. */
export function plain(text: string | null | undefined): string {
  return (text ?? '').replace(/[\p{Cc}\p{Cf}]/gu, ' ')
}
