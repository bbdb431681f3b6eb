/**
 * Traces, by OpenTelemetry. Loaded only when a collector is set. Contexts are handed on by hand, as traceparents: they
 * have to survive the queue and the database anyway.
 */
import {
  type Context,
  isSpanContextValid,
  type Link,
  ROOT_CONTEXT,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { defaultResource, detectResources, envDetector, resourceFromAttributes } from '@opentelemetry/resources'
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  BatchSpanProcessor,
  ParentBasedSampler,
  type Sampler,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace'
import type { TracingSettings } from './config/tracing.ts'
import type { Tracing } from './ports.ts'

const kinds = { server: SpanKind.SERVER, consumer: SpanKind.CONSUMER, client: SpanKind.CLIENT }
const EXPORT_EVERY_MS = 2_000
const EXPORT_TIMEOUT_MS = 5_000

export interface OpenTracing extends Tracing {
  /** Sends what is left, for so long as one export may take. */
  close(): Promise<void>
}

export function openTracing(settings: TracingSettings, headers: Record<string, string>, version: string): OpenTracing {
  const { url, serviceName } = settings
  const own = resourceFromAttributes({ 'service.name': serviceName, 'service.version': version })
  const exporter = new OTLPTraceExporter({ url, headers, timeoutMillis: EXPORT_TIMEOUT_MS })
  const provider = new TracerProvider({
    resource: defaultResource()
      .merge(detectResources({ detectors: [envDetector] }))
      .merge(own),
    sampler: samplerOf(settings),
    spanProcessors: [
      new BatchSpanProcessor({
        exporter,
        scheduledDelayMillis: EXPORT_EVERY_MS,
        exportTimeoutMillis: EXPORT_TIMEOUT_MS,
      }),
    ],
  })
  const tracer = provider.getTracer('belfry', version)
  return {
    begin(name, { kind, parent, links = [], attributes = {} }) {
      const span = tracer.startSpan(
        name,
        { kind: kinds[kind], links: links.flatMap(linkTo), attributes },
        contextOf(parent),
      )
      return {
        traceparent: written(span.spanContext()),
        link: (to) => linkTo(to).forEach((link) => span.addLink(link)),
        end(how = {}) {
          if (how.attributes) span.setAttributes(how.attributes)
          if (how.failure !== undefined) span.setStatus({ code: SpanStatusCode.ERROR, message: how.failure })
          span.end()
        },
      }
    },
    close: () => provider.shutdown().catch(() => undefined),
  }
}

function samplerOf({ sampler, samplerArg }: TracingSettings): Sampler {
  const [, isParentBased, word] = /^(parentbased_)?(.*)$/.exec(sampler) ?? []
  const root =
    word === 'always_off'
      ? new AlwaysOffSampler()
      : word === 'traceidratio'
        ? new TraceIdRatioBasedSampler(samplerArg)
        : new AlwaysOnSampler()
  return isParentBased === undefined ? root : new ParentBasedSampler({ root })
}

/** As the W3C words it; of later versions only what version 00 knows. */
const traceparent = /^(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?$/

function read(text: string | undefined): SpanContext | undefined {
  const [, traceId = '', spanId = '', flags = ''] = traceparent.exec(text ?? '') ?? []
  const context = { traceId, spanId, traceFlags: Number.parseInt(flags, 16) & 1, isRemote: true }
  return isSpanContextValid(context) ? context : undefined
}

function written({ traceId, spanId, traceFlags }: SpanContext): string {
  return `00-${traceId}-${spanId}-${(traceFlags & 1).toString().padStart(2, '0')}`
}

function contextOf(parent: string | undefined): Context {
  const context = read(parent)
  return context === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, context)
}

function linkTo(text: string): Link[] {
  const context = read(text)
  return context === undefined ? [] : [{ context }]
}
