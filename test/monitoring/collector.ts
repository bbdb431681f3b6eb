/** A collector of traces as others run it: takes OTLP in JSON over HTTP, and keeps what it got. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gunzipSync } from 'node:zlib'

export interface CollectedSpan {
  traceId: string
  spanId: string
  parentSpanId?: string
  name: string
  /** OTLP's numbers. */
  kind: number
  attributes: Record<string, unknown>
  links: { traceId: string; spanId: string }[]
  status: { code?: number }
  service: string
}

export interface Collector {
  url: string
  spans: CollectedSpan[]
  /** Every request as it came: paths and headers. */
  requests: { path: string; headers: Record<string, unknown> }[]
  text(): string
  close(): Promise<void>
}

interface Otlp {
  resourceSpans: { resource: { attributes: Pair[] }; scopeSpans: { spans: Raw[] }[] }[]
}
interface Pair {
  key: string
  value: Record<string, unknown>
}
type Raw = Omit<CollectedSpan, 'attributes' | 'links' | 'service'> & {
  attributes?: Pair[]
  links?: CollectedSpan['links']
}

export async function openCollector(): Promise<Collector> {
  const spans: CollectedSpan[] = []
  const requests: Collector['requests'] = []
  const bodies: string[] = []
  const server = createServer((request, response) => {
    const parts: Buffer[] = []
    request.on('data', (part: Buffer) => parts.push(part))
    request.on('end', () => {
      const raw = Buffer.concat(parts)
      const body = (request.headers['content-encoding'] === 'gzip' ? gunzipSync(raw) : raw).toString()
      requests.push({ path: request.url ?? '', headers: request.headers })
      bodies.push(body)
      for (const { resource, scopeSpans } of (JSON.parse(body) as Otlp).resourceSpans) {
        const service = String(valuesOf(resource.attributes)['service.name'])
        for (const span of scopeSpans.flatMap((scope) => scope.spans))
          spans.push({ ...span, attributes: valuesOf(span.attributes), links: span.links ?? [], service })
      }
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}')
    })
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans,
    requests,
    text: () => bodies.join('\n'),
    close: () =>
      new Promise((done) => {
        server.close(() => done())
        server.closeAllConnections()
      }),
  }
}

const valuesOf = (pairs: Pair[] = []) =>
  Object.fromEntries(pairs.map(({ key, value }) => [key, Object.values(value)[0]]))
