/** Requests for each operation of the OpenAPI document, the same row for the same seed. */
import fc from 'fast-check'
import { broken, fitting, type Resolve, type Schema } from './from-schema.ts'

interface Document {
  paths: Record<string, Record<string, DocumentOperation>>
  components?: { schemas?: Record<string, Schema> }
}
interface DocumentOperation {
  parameters?: { name: string; in: string; required?: boolean; schema?: Schema }[]
  requestBody?: { content: Record<string, { schema?: Schema }> }
  responses: Record<string, unknown>
}

export interface Operation {
  name: string
  method: string
  path: string
  /** As the document has them. */
  statuses: Set<string>
  parameters: NonNullable<DocumentOperation['parameters']>
  body: Schema | undefined
  resolve: Resolve
}

export function readOperations({ paths, components }: Document): Operation[] {
  const resolve: Resolve = (ref) => components?.schemas?.[ref.split('/').at(-1)!] ?? {}
  return Object.entries(paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([verb, { parameters = [], requestBody, responses }]) => {
      const method = verb.toUpperCase()
      const body = requestBody?.content['application/json']?.schema
      const statuses = new Set(Object.keys(responses))
      return { name: `${method} ${path}`, method, path, statuses, parameters, body, resolve }
    }),
  )
}

export interface Made {
  operation: Operation
  isFitting: boolean
  bytes: Buffer
}

/** @param each so many requests for each operation, taken in turns. */
export function* requestsOf(
  operations: Operation[],
  seed: number,
  each: number,
  { logins }: { logins: string[] },
): Generator<Made> {
  const BATCH = 50
  for (let done = 0; done < each; done += BATCH)
    for (const operation of operations) {
      const numRuns = Math.min(BATCH, each - done)
      yield* fc.sample(requestOf(operation, logins), { seed: seed + done, numRuns })
    }
}

function requestOf(operation: Operation, logins: string[]): fc.Arbitrary<Made> {
  const { parameters, body, resolve } = operation
  const values = Object.fromEntries(parameters.map((one) => [`${one.in} ${one.name}`, valueOf(one, resolve)]))
  const good = body === undefined ? fc.constant(undefined) : fitting(body, resolve)
  const request = fc.record({
    parameters: fc.record(values),
    login: fc.constantFrom(...logins),
    isFitting: fc.boolean(),
  })
  return request.chain((made) =>
    (made.isFitting || body === undefined ? good : broken(good)).map((json) => ({
      operation,
      isFitting: made.isFitting,
      bytes: written(operation, made.parameters, made.login, json),
    })),
  )
}

function valueOf({ schema = {}, required = false }: { schema?: Schema; required?: boolean }, resolve: Resolve) {
  const strange = fc.constantFrom<unknown>('', '\0', '\u202e', '-1', '1e9', '../..', 'x'.repeat(300), '__proto__')
  const usual = fc.oneof({ weight: 5, arbitrary: fitting(schema, resolve) }, { weight: 1, arbitrary: strange })
  return required ? usual : fc.option(usual, { nil: undefined })
}

function written(
  { method, path, parameters }: Operation,
  values: Record<string, unknown>,
  login: string,
  json: unknown,
) {
  const query = new URLSearchParams()
  let target = path
  const lines: string[] = []
  for (const { name, in: place } of parameters) {
    const value = values[`${place} ${name}`]
    if (value === undefined) continue
    const text = (typeof value === 'string' ? value : JSON.stringify(value)).toWellFormed()
    if (place === 'path') target = target.replace(`{${name}}`, encodeURIComponent(text) || 'x')
    else if (place === 'query') query.append(name, text)
    else if (place === 'header' && !login.toLowerCase().includes(`${name.toLowerCase()}:`))
      lines.push(`${name}: ${text.replaceAll(/[^ -~]/g, '?').slice(0, 500)}`)
  }
  const body = json === undefined ? '' : JSON.stringify(json)
  const head = [
    `${method} ${target}${query.size > 0 ? `?${query.toString()}` : ''} HTTP/1.1`,
    'Host: localhost',
    login,
    ...lines,
    ...(json === undefined ? [] : ['Content-Type: application/json']),
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
  ]
  return Buffer.concat([Buffer.from(`${head.join('\r\n')}\r\n\r\n`, 'latin1'), Buffer.from(body)])
}
