/**
 * Spans of delivery. A direct notification goes on in the trace of who asked for it. A chunk of a broadcast begins a
 * trace of its own, with a link to that one: thousands of requests in one trace are of use to nobody. None is made for
 * a device.
 */
import type { Lane, SendAnswer, Span, Tracing } from '../ports.ts'
import type { Notification } from '../store/notifications/notifications.ts'
import type { Parcel } from './plan/parcel.ts'

interface Task {
  job: { data: { trace?: string | undefined } }
  notification: Notification
}

export async function inDirectSpans(
  tracing: Tracing | undefined,
  tasks: readonly Task[],
  work: () => Promise<void>,
): Promise<void> {
  if (!tracing) return work()
  const spans = tasks.map(({ job, notification }) => {
    const parent = job.data.trace
    return begin(tracing, 'send-direct', notification, { ...(parent !== undefined && { parent }) })
  })
  await toTheEnd(spans, work)
}

export async function inChunkSpans(
  tracing: Tracing | undefined,
  chunks: readonly Task[],
  work: () => Promise<void>,
): Promise<void> {
  if (!tracing) return work()
  const spans = chunks.map(({ job, notification }) => {
    const asked = job.data.trace
    // Where the asker's trace is not sampled, this must not be either, and a sampler knows that only of a parent.
    const where = asked === undefined ? {} : isSampled(asked) ? { links: [asked] } : { parent: asked }
    return begin(tracing, 'send-broadcast', notification, where)
  })
  await toTheEnd(spans, work)
}

const isSampled = (traceparent: string): boolean => traceparent.endsWith('1')

/** Requests that carry the notification find its span on it. */
function begin(
  tracing: Tracing,
  queue: string,
  notification: Notification,
  where: { parent?: string; links?: string[] },
): Span {
  const span = tracing.begin(`process ${queue}`, {
    kind: 'consumer',
    ...where,
    attributes: {
      'messaging.system': 'belfry',
      'messaging.operation.type': 'process',
      'messaging.destination.name': queue,
      'belfry.notification.id': notification.id,
      'belfry.notification.kind': notification.kind,
    },
  })
  notification.span = span
  return span
}

async function toTheEnd(spans: Span[], work: () => Promise<void>): Promise<void> {
  let failure: string | undefined
  try {
    await work()
  } catch (error) {
    failure = (error as Error).name
    throw error
  } finally {
    for (const span of spans) span.end(failure === undefined ? {} : { failure })
  }
}

/** One request may carry several notifications: it stands in the trace of the first, and is linked with the others. */
export function beginRequestSpan(
  tracing: Tracing,
  lane: Lane,
  parcels: readonly Parcel[],
  recipients: number,
): (answer: SendAnswer) => void {
  const notifications = [...new Set(parcels.map((parcel) => parcel.notification))]
  const [first, ...others] = notifications.flatMap((one) => one.span ?? [])
  const span = tracing.begin('POST push/send', {
    kind: 'client',
    parent: first?.traceparent,
    links: others.map((other) => other.traceparent),
    attributes: {
      'http.request.method': 'POST',
      'belfry.lane': lane,
      'belfry.recipients': recipients,
      'belfry.notifications': notifications.length,
    },
  })
  for (const other of others) other.link(span.traceparent)
  return (answer) => {
    const status = answer.kind === 'tickets' ? 200 : answer.status
    span.end({
      attributes: {
        'belfry.outcome': answer.kind,
        ...(status !== undefined && { 'http.response.status_code': status }),
      },
      ...(answer.kind !== 'tickets' && { failure: answer.kind }),
    })
  }
}
