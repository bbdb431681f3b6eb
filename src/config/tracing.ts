/** OpenTelemetry's own settings, as its specification words them: traces are sent when an address is set. */
import { value } from './values.ts'

export const samplers = [
  'always_on',
  'always_off',
  'traceidratio',
  'parentbased_always_on',
  'parentbased_always_off',
  'parentbased_traceidratio',
] as const

export interface TracingSettings {
  /** Where spans are sent, as OTLP in JSON over HTTP. */
  url: string
  serviceName: string
  sampler: (typeof samplers)[number]
  /** The share of traces that the ratio samplers keep. */
  samplerArg: number
}

interface Values {
  OTEL_EXPORTER_OTLP_ENDPOINT?: string | undefined
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT?: string | undefined
  OTEL_SERVICE_NAME: string
  OTEL_TRACES_SAMPLER: TracingSettings['sampler']
  OTEL_TRACES_SAMPLER_ARG: number
}

/** The address of all signals gets the path of traces; the one of traces is taken as it is. */
export function tracingSettings(values: Values): TracingSettings | undefined {
  const all = values.OTEL_EXPORTER_OTLP_ENDPOINT
  const url =
    values.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT ?? (all === undefined ? undefined : `${all.replace(/\/$/, '')}/v1/traces`)
  if (url === undefined) return undefined
  return {
    url,
    serviceName: values.OTEL_SERVICE_NAME,
    sampler: values.OTEL_TRACES_SAMPLER,
    samplerArg: values.OTEL_TRACES_SAMPLER_ARG,
  }
}

/** `name=value` with commas between several; values percent-encoded. They hold keys: none is repeated in a fault. */
export function headers() {
  return value<Record<string, string>>((text) => {
    const pairs = text.split(',').map((pair) => /^\s*([\w.!#$&'*+^`|~-]+)\s*=(.*)$/.exec(pair))
    const found = pairs.map((pair) => [pair?.[1] ?? '', decoded(pair?.[2] ?? '')] as const)
    if (found.every(([name, held]) => name !== '' && held !== undefined && /^[ -~]+$/.test(held)))
      return Object.fromEntries(found) as Record<string, string>
    return { fault: 'cannot be read; expected name=value, with commas between several' }
  })
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text.trim())
  } catch {
    return undefined
  }
}

export function share() {
  return value<number>((text) => {
    const parsed = /^\d*\.?\d+$/.test(text) ? Number(text) : Number.NaN
    return parsed >= 0 && parsed <= 1 ? parsed : { fault: 'does not fit; expected a number from 0 to 1' }
  })
}
