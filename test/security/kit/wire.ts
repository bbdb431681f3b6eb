/** Bytes over a socket, for requests that no HTTP client would send. */
import { connect } from 'node:net'

export interface RawAnswer {
  status: number
  headers: Record<string, string>
  body: string
  /** Whether the server closed the connection. */
  closed: boolean
}

/** @param text as it goes over the wire, one byte a character. @returns every answer that came, in order. */
export function say(port: number, text: string, { timeoutMs = 3_000 } = {}): Promise<RawAnswer[]> {
  return new Promise((done) => {
    let received = ''
    const socket = connect(port, '127.0.0.1', () => socket.write(Buffer.from(text, 'latin1')))
    const finish = (closed: boolean) => (clearTimeout(timer), socket.destroy(), done(parse(received, closed)))
    const timer = setTimeout(() => finish(false), timeoutMs)
    socket.on('data', (bytes: Buffer) => (received += bytes.toString('latin1')))
    socket.on('error', () => undefined)
    socket.on('close', () => finish(true))
  })
}

export const lines = (...all: string[]): string => `${all.join('\r\n')}\r\n\r\n`

function parse(text: string, closed: boolean): RawAnswer[] {
  const answers: RawAnswer[] = []
  for (let rest = text; rest.startsWith('HTTP/1.1 '); ) {
    const end = rest.indexOf('\r\n\r\n')
    if (end < 0) break
    const [first = '', ...named] = rest.slice(0, end).split('\r\n')
    const headers = Object.fromEntries(
      named.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]),
    )
    const length = headers['content-length'] === undefined ? rest.length : Number(headers['content-length'])
    answers.push({ status: Number(first.split(' ')[1]), headers, body: rest.slice(end + 4, end + 4 + length), closed })
    rest = rest.slice(end + 4 + length)
  }
  return answers
}
