/** Packing recipients into requests: at most 100 recipients, all of one project. */
import type { Recipient } from '../notification.ts'

/** Expo counts recipients over all `to` lists, not message objects. */
export const MAX_RECIPIENTS = 100

/**
 * Recipients whose project is not known share requests; should Expo find two projects in one, it says so.
 * @param most recipients in one request; never more than Expo takes.
 */
export function byProject(
  recipients: readonly Recipient[],
  most = MAX_RECIPIENTS,
): { project: string | null; recipients: Recipient[] }[] {
  const projects = new Map<string | null, Recipient[]>()
  for (const recipient of recipients) {
    const known = projects.get(recipient.project)
    if (known) known.push(recipient)
    else projects.set(recipient.project, [recipient])
  }
  return [...projects].flatMap(([project, members]) =>
    slices(members, evenSize(members.length, most)).map((part) => ({ project, recipients: part })),
  )
}

/** Requests that are smaller than Expo takes are all of one size: a small rest would take a place in the pace like a whole one. */
function evenSize(count: number, most: number): number {
  return most >= MAX_RECIPIENTS ? MAX_RECIPIENTS : Math.ceil(count / Math.ceil(count / most))
}

/**
 * How large a broadcast's requests to `count` recipients should be while direct ones share the limit: the whole requests that
 * fit into a second must leave room for those, and little more. Under 600, six of 100 leave none, six of 91 leave 54, and
 * seven of 84 leave 12.
 * @param limit recipients in a second. @param direct room to leave, in recipients a second.
 */
export function sizeBeside(count: number, limit: number, direct: number): number {
  const most = Math.min(MAX_RECIPIENTS, limit)
  if (direct === 0 || count <= most) return most
  const least = Math.ceil(count / most)
  const sizes = Array.from({ length: least + 1 }, (_, more) => Math.ceil(count / (least + more)))
  const unused = (size: number) => limit % size
  // Smaller ones cost a little more each.
  const cost = (size: number) => unused(size) + (most - size) / 10
  const roomy = sizes.filter((size) => unused(size) >= direct)
  return roomy.toSorted((a, b) => cost(a) - cost(b))[0] ?? Math.ceil(most / 2)
}

function slices<T>(items: readonly T[], size: number): T[][] {
  const parts: T[][] = []
  for (let start = 0; start < items.length; start += size) parts.push(items.slice(start, start + size))
  return parts
}

/**
 * Fills shared requests with small parcels, in order; a parcel is never cut.
 * @param most recipients in one request; never more than Expo takes.
 */
export function pack<P extends { project: string | null; size: number }>(parcels: readonly P[], most: number): P[][] {
  const open = new Map<string | null, { parcels: P[]; size: number }>()
  const full: P[][] = []
  for (const parcel of parcels) {
    const request = open.get(parcel.project)
    if (request && request.size + parcel.size <= most) {
      request.parcels.push(parcel)
      request.size += parcel.size
      continue
    }
    if (request) full.push(request.parcels)
    open.set(parcel.project, { parcels: [parcel], size: parcel.size })
  }
  return [...full, ...[...open.values()].map((request) => request.parcels)]
}
