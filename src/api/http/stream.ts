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
/** How often it is checked whether the key or session that opened a stream is still good: at most one row is read by its primary key. */
const ADMITTED_EVERY_MS = 2_000
/** Who does not read is dropped, and comes back by itself. */
const MAX_UNREAD_BYTES = 1024 * 1024

const open = new Set<Stream>()

/** Ends them all: an open stream would keep the server from stopping. */
export function endStreams(): void {
  for (const stream of open) stream.end()
}

export function openStream(request: FastifyRequest, reply: FastifyReply): Stream {
  reply.hijack()
  const { raw } = reply
  const write = (chunk: string) => {
    if (raw.writableLength > MAX_UNREAD_BYTES) raw.destroy()
    else if (!raw.writableEnded && !raw.destroyed) raw.write(chunk)
  }
  const stream: Stream = {
    // Who left while the first word was looked up has closed it already, and will not do so again.
    closed: raw.destroyed,
    send: ({ event, id, data }) =>
      write(`event: ${event}\n${id === undefined ? '' : `id: ${id}\n`}data: ${JSON.stringify(data)}\n\n`),
    end: () => void raw.end(),
    onClose: (listener) => (stream.closed ? listener() : void raw.on('close', listener)),
  }
  if (stream.closed) return stream
  request.raw.socket.setTimeout(0)
  raw.writeHead(200, {
    'Content-Type': 'text/event-stream; charset=utf-8',
    'Cache-Control': 'no-store',
    'X-Accel-Buffering': 'no',
    'X-Content-Type-Options': 'nosniff',
  })
  write(`retry: ${RETRY_MS}\n\n`)
  keepOpen(request, stream, () => write(':\n\n'))
  return stream
}

function keepOpen(request: FastifyRequest, stream: Stream, beat: () => void): void {
  open.add(stream)
  const heartbeat = setInterval(beat, HEARTBEAT_MS).unref()
  const endWithKey = async () => {
    // A database that is away says nothing about who may look.
    if (!(await request.isStillAdmitted().catch(() => true))) stream.end()
  }
  const admitted = setInterval(() => void endWithKey(), ADMITTED_EVERY_MS).unref()
  stream.onClose(() => {
    stream.closed = true
    open.delete(stream)
    clearInterval(heartbeat)
    clearInterval(admitted)
  })
}
