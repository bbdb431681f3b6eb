/** Expo's push service without the HTTP: bodies in, answers out. Whoever wants to see what arrives is handed each push. */
import type { Faults } from '../faults.ts'
import { errorBody, type RequestRefused, tooManyRequests } from './errors.ts'
import { type PushMessage, readSendBody } from './message.ts'
import { SlidingSecond } from './rate.ts'
import {
  BadReceipts,
  failure,
  isPushToken,
  isTooBig,
  newTicketId,
  type Receipt,
  readReceiptsBody,
  type Ticket,
} from './tickets.ts'

export interface Answer {
  status: number
  body: unknown
}

export interface Counts {
  sendRequests: number
  refusedRequests: number
  receiptRequests: number
  accepted: number
  refused: number
  /** The most recipients in any sliding second. */
  maxPerSecond: number
}

export class PushService {
  readonly #faults: Faults
  readonly #deliver: (token: string, message: PushMessage) => void
  readonly #badReceipts = new BadReceipts()
  /** Expo limits each project by itself; tokens of which none is known are one more. */
  readonly #paces = new Map<string, SlidingSecond>()
  readonly #all = new SlidingSecond()
  readonly #counts = { sendRequests: 0, refusedRequests: 0, receiptRequests: 0, accepted: 0, refused: 0 }

  constructor(faults: Faults, deliver: (token: string, message: PushMessage) => void) {
    this.#faults = faults
    this.#deliver = deliver
  }

  get counts(): Counts {
    return { ...this.#counts, maxPerSecond: this.#all.highest }
  }

  send(body: unknown): Answer {
    this.#counts.sendRequests++
    const read = readSendBody(body)
    if (!read.ok) return this.refuse(read.refused)
    const byProject = this.#byProject(read.messages)
    if (byProject.size > 1) return this.refuse(mixedProjects(byProject))
    const { ratePerSecond } = this.#faults.settings
    const inTime = this.#paceOf(byProject).take(read.recipients, ratePerSecond, performance.now())
    if (!inTime) return this.refuse(tooManyRequests(ratePerSecond))
    this.#all.take(read.recipients, 0, performance.now())

    const tickets = read.messages.flatMap((message) => this.#ticketsFor(message))
    return { status: 200, body: { data: read.single ? tickets[0] : tickets } }
  }

  receipts(body: unknown): Answer {
    this.#counts.receiptRequests++
    const read = readReceiptsBody(body)
    if (!read.ok) return this.refuse(read.refused)
    const data: Record<string, Receipt> = {}
    for (const id of read.ids) {
      const receipt = this.#badReceipts.receiptFor(id, Date.now(), this.#faults.settings.receiptDelayMs)
      if (receipt) data[id] = receipt
    }
    return { status: 200, body: { data } }
  }

  refuse(refused: RequestRefused): Answer {
    this.#counts.refusedRequests++
    return { status: refused.status, body: errorBody(refused) }
  }

  #ticketsFor(message: PushMessage): Ticket[] {
    const tooBig = isTooBig(message)
    return message.to.map((token) => {
      const code = this.#ticketFault(token, tooBig)
      if (code !== undefined) {
        this.#counts.refused++
        return failure(code, token)
      }
      const id = newTicketId()
      const receiptError = this.#faults.receiptError(token)
      if (receiptError !== undefined) this.#badReceipts.remember(id, receiptError, token)
      // A device that is gone gets an ok ticket and a bad receipt; it does not ring.
      if (receiptError === undefined || receiptError === 'missing') this.#deliver(token, message)
      this.#counts.accepted++
      return { status: 'ok', id }
    })
  }

  #ticketFault(token: string, tooBig: boolean): string | undefined {
    if (!isPushToken(token)) return 'DeviceNotRegistered'
    return this.#faults.ticketError(token) ?? (tooBig ? 'MessageTooBig' : undefined)
  }

  #paceOf(byProject: Map<string, string[]>): SlidingSecond {
    const [project = ''] = byProject.keys()
    const pace = this.#paces.get(project) ?? new SlidingSecond()
    this.#paces.set(project, pace)
    return pace
  }

  #byProject(messages: PushMessage[]): Map<string, string[]> {
    const byProject = new Map<string, string[]>()
    for (const token of messages.flatMap((message) => message.to)) {
      const project = this.#faults.projectOf(token)
      if (project === undefined) continue
      const tokens = byProject.get(project)
      if (tokens) tokens.push(token)
      else byProject.set(project, [token])
    }
    return byProject
  }
}

function mixedProjects(byProject: Map<string, string[]>): RequestRefused {
  return {
    status: 400,
    code: 'PUSH_TOO_MANY_EXPERIENCE_IDS',
    message:
      'All push notification messages in the same request must be for the same project; check the details field to investigate conflicting tokens.',
    details: Object.fromEntries(byProject),
  }
}
