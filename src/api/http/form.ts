/** Bodies as forms send them. */
import { isUtf8 } from 'node:buffer'
import { parse } from 'node:querystring'
import type { FastifyInstance } from 'fastify'
import { Fault } from './faults.ts'

/** As of JSON, those that are not UTF-8 are refused, whether their bytes stand there as they are or as `%FC`. */
export function readForms(app: FastifyInstance): void {
  const type = 'application/x-www-form-urlencoded'
  app.addContentTypeParser(type, { parseAs: 'buffer' }, (_request, bytes: Buffer, done) => {
    if (!isUtf8(meantBy(bytes))) return done(new Fault('bad_json', { sentence: 'The body is not UTF-8' }))
    done(null, parse(bytes.toString(), '&', '=', { decodeURIComponent: decode }))
  })
}

function meantBy(bytes: Buffer): Buffer {
  const oneEach = bytes.toString('latin1')
  const meant = oneEach.replace(/%([\da-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
  return Buffer.from(meant, 'latin1')
}

/** A `%` that is meant as one, as people write it into curl's `-d`, stays. */
const decode = (text: string) => text.replace(/(%[\da-f]{2})+/gi, decodeURIComponent)
