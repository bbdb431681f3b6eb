/** Loaded before the program: writes down every connection and every name look-up that it begins, wherever to. */

import dns from 'node:dns'
import { appendFileSync } from 'node:fs'
import net from 'node:net'

const file = process.env.CONNECTIONS_FILE
const note = (what: unknown) => {
  if (file !== undefined) appendFileSync(file, `${JSON.stringify(what)}\n`)
}

const prototype = net.Socket.prototype as unknown as { connect: (this: net.Socket, ...args: unknown[]) => net.Socket }
const { connect } = prototype
prototype.connect = function (this: net.Socket, ...args: unknown[]) {
  // Node's own callers hand over a list that they have already put in order.
  const [first, second] = Array.isArray(args[0]) ? (args[0] as unknown[]) : args
  const { host, port, path } = (
    typeof first === 'object' && first !== null ? first : { port: first, host: second }
  ) as { host?: string; port?: number; path?: string | null }
  note({ to: path === undefined || path === null ? `${host ?? 'localhost'}:${port}` : path })
  return connect.apply(this, args)
}

const lookup = dns.lookup as (...args: unknown[]) => void
dns.lookup = ((...args: unknown[]) => {
  note({ lookup: String(args[0]) })
  lookup(...args)
}) as typeof dns.lookup
