/**
 * Promise: the server knows this installation under the person who is logged in, or under nobody. One pass at a time
 * looks at what is owed and does it in order: log-outs first, then the registration. What fails is tried again.
 */
import type { Device } from './device.ts'
import { type Interrupted, Interruption, interrupted } from './interruption.ts'
import type { Memory, Session } from './memory.ts'
import { type AskOptions, readPermission } from './permission.ts'
import { PushToken } from './push-token.ts'
import type { Server, Trouble } from './server.ts'
import type { State } from './state.ts'

export interface RegistrarOptions extends AskOptions {
  projectId?: string
  /** The bearer token of the person who is logged in; null when nobody is. Throws when it cannot say just now. */
  getAuthToken(): Promise<string | null> | string | null
}

export interface RegistrarParts {
  device: Device
  memory: Memory
  server: Server
  state: State
}

/** The server prunes installations it has not heard of for long; a day is often enough. */
const FRESH_MS = 24 * 3600_000
const FIRST_RETRY_MS = 2_000
const LONGEST_RETRY_MS = 5 * 60_000
/** iOS may take its time. */
const LONGEST_FETCH_MS = 60_000
/** Bearer tokens are refreshed while the server is away; the newest are the ones that still count. */
const MOST_HOLDERS = 6
const LONGEST_AUTH_MS = 20_000
/** How long a log-out may hold up the app; what is not done by then is done later. */
const LOG_OUT_PATIENCE_MS = 5_000

export class Registrar {
  readonly #options: RegistrarOptions
  readonly #parts: RegistrarParts
  readonly #token: PushToken
  readonly #interruption: Interruption
  #running: Promise<void> | null = null
  #isAskedFor = false
  /** The token is to be fetched again / told to the server again, although all looks fresh. */
  #mustFetch = false
  #mustTell = false
  #isLoggedOut = false
  #isStopped = false
  #failures = 0
  #cancelRetry = () => {}
  /** Since when a missing bearer token means that somebody left: before, the app may still be loading its session. */
  #hasMetSomebody = false

  constructor(options: RegistrarOptions, parts: RegistrarParts) {
    this.#options = options
    this.#parts = parts
    this.#token = new PushToken(parts.device, options.projectId)
    this.#interruption = new Interruption(parts.device)
  }

  start(): () => void {
    this.#isStopped = false
    const stopListening = this.#token.listen(() => {
      this.#mustFetch = true
      void this.again()
    })
    const stopWatching = this.#parts.device.onForeground(() => void this.again())
    this.#mustTell = true
    void this.again()
    return () => {
      stopListening()
      stopWatching()
      this.#isStopped = true
      this.#cancelRetry()
    }
  }

  /** @returns when it has been tried; how it went is in the state. */
  logIn(): Promise<void> {
    this.#isLoggedOut = false
    this.#mustTell = true
    this.#interruption.happen()
    return this.again()
  }

  /** To be called while the person is still authenticated. Written down first, so that it happens even if the app dies. */
  async logOut(): Promise<'done' | 'later'> {
    const { device, memory } = this.#parts
    this.#isLoggedOut = true
    this.#interruption.happen()
    const bearer = await this.#interruption.or(this.#bearer(), LOG_OUT_PATIENCE_MS).catch(() => null)
    await this.#owe(typeof bearer === 'string' ? bearer : null)
    await memory.set('opened', [])
    const patience = new Promise<void>((done) => device.after(LOG_OUT_PATIENCE_MS, done))
    await Promise.race([this.again(), patience])
    return memory.get('logOuts').length === 0 ? 'done' : 'later'
  }

  /** Something has changed that a pass should look at. @returns when one has. */
  again(): Promise<void> {
    this.#isAskedFor = true
    this.#failures = 0
    return (this.#running ??= this.#work())
  }

  async #work(): Promise<void> {
    this.#cancelRetry()
    let trouble: Trouble | undefined
    while (this.#isAskedFor) {
      this.#isAskedFor = false
      trouble = await this.#pass().catch((error: unknown) => this.#waiting(troubleOf(error)))
    }
    this.#running = null
    if (trouble && !this.#isStopped) this.#retry(trouble)
  }

  #retry({ afterMs = 0 }: Trouble): void {
    const { device } = this.#parts
    const backoff = Math.min(FIRST_RETRY_MS * 2 ** this.#failures++, LONGEST_RETRY_MS)
    this.#cancelRetry = device.after(Math.max(afterMs, backoff * (0.5 + device.random() / 2)), () => {
      this.#isAskedFor = true
      this.#running ??= this.#work()
    })
  }

  /** @returns what makes another pass worthwhile later. */
  async #pass(): Promise<Trouble | undefined> {
    const { state, memory } = this.#parts
    const unheard = await this.#settleLogOuts()
    if (unheard) return this.#waiting(unheard)
    const permission = await readPermission(this.#parts.device, this.#options)
    state.set({ permission })
    if (this.#isLoggedOut) return this.#withdraw()
    const { count } = this.#interruption
    const bearer = await this.#interruption.or(this.#bearer(), LONGEST_AUTH_MS)
    if (bearer === interrupted) return undefined
    if (bearer === null) {
      // The session ended without a log-out: the server hears of it in the name of the one who was there.
      return this.#hasMetSomebody ? this.#withdraw() : this.#nobody()
    }
    this.#hasMetSomebody = true
    await this.#reportOpened(bearer)
    // Without the permission nothing can be shown, so nothing needs to be sent.
    if (permission !== 'granted' && permission !== 'provisional') return this.#withdraw(bearer)
    const known = memory.get('registration')
    const [holder] = memory.get('holders')
    const isFresh = known !== null && this.#parts.device.now() - known.at < FRESH_MS && bearer === holder?.bearer
    if (isFresh && !this.#mustFetch && !this.#mustTell) return this.#registered(known.token)
    return this.#register(bearer, isFresh ? known.token : null, count)
  }

  /**
   * @param told what the server certainly knows of this bearer's owner.
   * @param count of interruptions when the bearer was asked for: after another one it may be somebody else's turn.
   */
  async #register(bearer: string, told: string | null, count: number): Promise<Trouble | undefined> {
    const { device, memory, server, state } = this.#parts
    state.set({ registration: 'working' })
    const isRepeat = this.#mustTell
    // Before the fetch: what comes up during it is not answered by it.
    this.#mustFetch = this.#mustTell = false
    const fetched = await this.#fetchToken()
    const token = this.#interruption.count === count ? fetched : interrupted
    if (typeof token !== 'string') {
      this.#mustFetch = true
      this.#mustTell ||= isRepeat
      return token === interrupted ? undefined : this.#waiting(token)
    }
    if (token === told && !isRepeat) return this.#registered(token)
    const isTold = this.#hold({ bearer, pushToken: token })
    const answer = await server.register(bearer, {
      push_token: token,
      device_type: device.platform === 'ios' ? 'ios' : 'android',
      installation_id: memory.get('installation'),
      project_id: this.#options.projectId ?? device.projectId,
      locale: device.locale(),
      time_zone: device.timeZone(),
      app_version: device.appVersion,
    })
    if (answer.kind === 'ok') {
      if (isTold()) await this.#confirmed(bearer, token)
      return this.#registered(token)
    }
    this.#mustTell = true
    // A bearer that has expired is soon refreshed by the app.
    if (answer.kind !== 'refused') return this.#waiting(answer)
    state.set({ registration: 'failed', trouble: answer })
    return undefined
  }

  async #fetchToken(): Promise<string | Interrupted | Trouble> {
    try {
      return await this.#interruption.or(this.#token.fetch(), LONGEST_FETCH_MS)
    } catch (error) {
      return troubleOf(error)
    }
  }

  async #bearer(): Promise<string | null> {
    return (await this.#options.getAuthToken()) || null
  }

  /** Written down before the server is asked: its answer may be lost. @returns whether nobody logged out since. */
  #hold(session: Session): () => boolean {
    const { memory } = this.#parts
    const isOther = (one: Session) => one.bearer !== session.bearer || one.pushToken !== session.pushToken
    const others = memory.get('holders').filter(isOther)
    void memory.set('holders', [...others, session].slice(-MOST_HOLDERS))
    return () => memory.get('holders').includes(session)
  }

  /** The token has moved to this session with the registration; older tokens of others have not. */
  async #confirmed(bearer: string, token: string): Promise<void> {
    const { device, memory } = this.#parts
    const left = memory.get('holders').filter((one) => one.bearer !== bearer && one.pushToken !== token)
    if (left.length > 0) {
      void memory.set('logOuts', [
        ...memory.get('logOuts'),
        ...left.map((one) => ({ ...one, isOldToken: true as const })),
      ])
      this.#isAskedFor = true
    }
    void memory.set('holders', [{ bearer, pushToken: token }])
    await memory.set('registration', { token, at: device.now() })
  }

  /** Notes that the server has to hear of a log-out: of this session's, and of all that may have the installation. */
  async #owe(bearer: string | null): Promise<void> {
    const { memory } = this.#parts
    const holders = memory.get('holders')
    if (holders.length === 0 && bearer === null) return
    const owed = bearer === null || holders.some((one) => one.bearer === bearer) ? holders : [...holders, { bearer }]
    this.#hasMetSomebody = false
    void memory.set('logOuts', [...memory.get('logOuts'), ...owed])
    void memory.set('holders', [])
    await memory.set('registration', null)
  }

  /**
   * Whoever has this installation at the server has it no longer.
   * @param bearer of who is logged in: the one that it was registered with may have expired.
   */
  async #withdraw(bearer: string | null = null): Promise<Trouble | undefined> {
    if (this.#parts.memory.get('holders').length > 0) await this.#owe(bearer)
    const unheard = await this.#settleLogOuts()
    return unheard ? this.#waiting(unheard) : this.#nobody()
  }

  /** In order, and before anything is registered: a late log-out must not undo a newer log-in. */
  async #settleLogOuts(): Promise<Trouble | undefined> {
    const { memory, server } = this.#parts
    for (let next = memory.get('logOuts')[0]; next; next = memory.get('logOuts')[0]) {
      const installation_id = next.isOldToken ? undefined : memory.get('installation')
      const answer = await server.unregister(next.bearer, { push_token: next.pushToken, installation_id })
      if (answer.kind === 'later') return answer
      // Refused: that session is no longer good for anything. The next registration takes the token over.
      await memory.set('logOuts', memory.get('logOuts').slice(1))
    }
    return undefined
  }

  async #reportOpened(bearer: string): Promise<void> {
    const { memory, server } = this.#parts
    for (let next = memory.get('opened')[0]; next; next = memory.get('opened')[0]) {
      const { kind } = await server.opened(bearer, next)
      if (kind === 'later' || kind === 'stranger') return
      await memory.set('opened', memory.get('opened').slice(1))
    }
  }

  #registered(pushToken: string): undefined {
    this.#failures = 0
    this.#parts.state.set({ registration: 'registered', pushToken, trouble: null })
  }

  #nobody(): undefined {
    this.#parts.state.set({ registration: 'off', pushToken: null, trouble: null })
  }

  #waiting(trouble: Trouble): Trouble {
    this.#parts.state.set({ registration: 'waiting', trouble })
    return trouble
  }
}

function troubleOf(error: unknown): Trouble {
  const { code, message } = (error ?? {}) as { code?: unknown; message?: unknown }
  return { code: typeof code === 'string' ? code : 'unexpected', message: String(message ?? error) }
}
