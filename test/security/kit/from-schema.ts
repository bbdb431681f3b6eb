/** Values that fit a schema of the OpenAPI document, and values that nearly do. */
import fc from 'fast-check'

export interface Schema {
  $ref?: string
  type?: string | string[]
  enum?: unknown[]
  const?: unknown
  anyOf?: Schema[]
  oneOf?: Schema[]
  allOf?: Schema[]
  properties?: Record<string, Schema>
  required?: string[]
  additionalProperties?: boolean | Schema
  items?: Schema
  format?: string
  minLength?: number
  maxLength?: number
  minItems?: number
  maxItems?: number
  minimum?: number
  maximum?: number
}

export type Resolve = (ref: string) => Schema

export function fitting(schema: Schema, resolve: Resolve, depth = 0): fc.Arbitrary<unknown> {
  if (schema.$ref !== undefined) return fitting(resolve(schema.$ref), resolve, depth + 1)
  if (schema.const !== undefined) return fc.constant(schema.const)
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum)
  const several = schema.anyOf ?? schema.oneOf
  if (several !== undefined) return fc.oneof(...several.map((one) => fitting(one, resolve, depth + 1)))
  if (schema.allOf !== undefined) return fitting(merged(schema.allOf, resolve), resolve, depth + 1)
  const types = [schema.type ?? (schema.properties === undefined ? 'any' : 'object')].flat()
  return fc.oneof(...types.map((type) => ofType(type, schema, resolve, depth)))
}

function merged(all: Schema[], resolve: Resolve): Schema {
  const parts = all.map((one) => (one.$ref === undefined ? one : resolve(one.$ref)))
  const properties = Object.assign({}, ...parts.map((one) => one.properties ?? {})) as Record<string, Schema>
  return { type: 'object', properties, required: parts.flatMap((one) => one.required ?? []) }
}

function ofType(type: string, schema: Schema, resolve: Resolve, depth: number): fc.Arbitrary<unknown> {
  const { minimum = 0, maximum = 1_000_000 } = schema
  if (type === 'string') return text(schema)
  if (type === 'integer') return fc.integer({ min: Math.ceil(minimum), max: Math.floor(Math.min(maximum, 2 ** 31)) })
  if (type === 'number') return fc.double({ min: minimum, max: maximum, noNaN: true })
  if (type === 'boolean') return fc.boolean()
  if (type === 'null') return fc.constant(null)
  if (type === 'array')
    return fc.array(fitting(schema.items ?? {}, resolve, depth + 1), {
      minLength: schema.minItems ?? 0,
      maxLength: Math.min(schema.maxItems ?? 4, (schema.minItems ?? 0) + 4),
    })
  if (type === 'object') return object(schema, resolve, depth)
  return fc.jsonValue({ maxDepth: 2 })
}

function object(schema: Schema, resolve: Resolve, depth: number): fc.Arbitrary<unknown> {
  const { properties = {}, required = [], additionalProperties } = schema
  if (Object.keys(properties).length === 0 && additionalProperties !== false)
    return fc.dictionary(fc.string({ minLength: 1, maxLength: 9 }), fc.jsonValue({ maxDepth: 1 }), { maxKeys: 3 })
  const model = Object.fromEntries(
    Object.entries(properties).map(([name, one]) => [name, fitting(one, resolve, depth + 1)]),
  )
  return fc.record(model, { requiredKeys: required.filter((name) => name in model) })
}

/** Words that the program knows, beside words of any kind. */
function text({ format, minLength = 0, maxLength = 60 }: Schema): fc.Arbitrary<string> {
  if (format === 'uuid') return fc.uuid()
  if (format === 'date-time') return fc.date({ noInvalidDate: true, min: new Date(0) }).map((at) => at.toISOString())
  if (format === 'uri') return fc.webUrl()
  const any = fc.string({ minLength, maxLength: Math.max(minLength, Math.min(maxLength, 60)), unit: 'grapheme' })
  return fc.oneof(any, fc.constantFrom('fuzz', 'somebody', 'ExponentPushToken[fuzz]', 'text', 'post'))
}

const odd: unknown[] = [
  null,
  true,
  0,
  -1,
  1e308,
  2 ** 53,
  '',
  '\0',
  '\ud800',
  '\u202e',
  'x'.repeat(5_000),
  [],
  {},
  [[]],
  [null],
  { $gt: '' },
  { toString: 1, length: -1 },
  JSON.parse('{"__proto__":{"a":1}}'),
  'ExponentPushToken[a',
  '1e1000',
  '2026-02-30T25:61:00Z',
]

/** One thing in it is taken away, added, or put in another's place. */
export function broken(value: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  return fc
    .tuple(value, fc.nat(), fc.constantFrom('drop', 'add', 'replace', 'wrap'), fc.constantFrom(...odd))
    .map(([whole, at, how, piece]) => damage(whole, at, how, piece))
}

function damage(whole: unknown, at: number, how: string, piece: unknown): unknown {
  if (typeof whole !== 'object' || whole === null || Array.isArray(whole)) return how === 'wrap' ? [whole] : piece
  const copy = { ...(whole as Record<string, unknown>) }
  const names = Object.keys(copy)
  const name = names[at % Math.max(1, names.length)] ?? 'x'
  const inner = copy[name]
  if (how === 'add') return { ...copy, [['__proto__', 'constructor', 'x', ''][at % 4]!]: piece }
  if (how === 'drop') delete copy[name]
  else if (how === 'wrap') copy[name] = [inner]
  else copy[name] = at % 3 === 0 && typeof inner === 'object' ? damage(inner, at >> 2, how, piece) : piece
  return copy
}
