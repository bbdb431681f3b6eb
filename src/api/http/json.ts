/** Bodies in JSON. Whoever sends one that cannot be read is told where it stops being JSON. */
import { isUtf8 } from 'node:buffer'
import type { FastifyInstance } from 'fastify'
import { whyNotJson } from '../../domain/not-json.ts'
import { Fault, type FaultDetails } from './faults.ts'

/** What is added to Fastify's error. */
export interface Unreadable {
  why?: string | undefined
}

/**
 * Bodies are read by Fastify's own parser, and to its error is added where the text stops being JSON. Those that are not
 * UTF-8 are refused: they would ring phones with `Gr??e`.
 */
export function readJson(app: FastifyInstance): void {
  const read = app.getDefaultJsonParser('error', 'error')
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, bytes: Buffer, done) => {
    if (!isUtf8(bytes)) return done(notUtf8())
    const body = bytes.toString()
    void read(request, body, (error, value) => {
      const unreadable: Unreadable = { why: error === null ? undefined : whyNotJson(body) }
      done(error && Object.assign(error, unreadable), value)
    })
  })
}

export function detailsOf({ why }: Unreadable): FaultDetails {
  return why === undefined ? {} : { sentence: `The body is not JSON: ${why}` }
}

export function notJson(body: string): Fault {
  return new Fault('bad_json', detailsOf({ why: whyNotJson(body) }))
}

export function notUtf8(): Fault {
  return new Fault('bad_json', { sentence: 'The body is not UTF-8' })
}
