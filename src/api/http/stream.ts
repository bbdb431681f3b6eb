/** Server-sent events: one answer that stays open, and says something from time to time. */
import type { FastifyReply, FastifyRequest } from 'fastify'

export interface Stream {
  send(event: { event: string; id?: string; data: unknown }): void
  end(): void
  closed: boolean
  onClose(listener: () => void): void
}

/** A page that comes back tries again this soon. */
const RETRY_MS = 1_500
/** Proxies cut what is silent for long. */
const HEARTBEAT_MS = 10_000
/** Who does not read is dropped, and comes back by itself. */
const MAX_UNREAD_BYTES = 1024 * 1024

const open = new Set<Stream>()

/** Ends them all: an open stream would keep the server from stopping. */
export function endStreams(): void {
  for (const stream of open) stream.end()
}

export function openStream(request: FastifyRequest, reply: FastifyReply): Stream {
  reply.hijack()
  request.raw.socket.setTimeout(0)
  const { raw } = reply
  raw.writeHead(200, {
    'Content-Type': 'text/event-stream; charset=utf-8',
    'Cache-Control': 'no-store',
    'X-Accel-Buffering': 'no',
    'X-Content-Type-Options': 'nosniff',
  })
  raw.write(`retry: ${RETRY_MS}\n\n`)
  const write = (chunk: string) => {
    if (raw.writableLength > MAX_UNREAD_BYTES) raw.destroy()
    else if (!raw.writableEnded) raw.write(chunk)
  }
  const heartbeat = setInterval(() => write(':\n\n'), HEARTBEAT_MS).unref()
  const stream: Stream = {
    closed: false,
    send: ({ event, id, data }) =>
      write(`event: ${event}\n${id === undefined ? '' : `id: ${id}\n`}data: ${JSON.stringify(data)}\n\n`),
    end: () => void raw.end(),
    onClose: (listener) => void raw.on('close', listener),
  }
  open.add(stream)
  raw.on('close', () => {
    stream.closed = true
    open.delete(stream)
    clearInterval(heartbeat)
  })
  return stream
}
