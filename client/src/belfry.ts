/** The app's side of Belfry, for use with or without React. Nothing happens before `start`. */
import type { Device } from './device.ts'
import { expoDevice } from './expo-device.ts'
import { Incoming, type IncomingOptions } from './incoming.ts'
import { openMemory } from './memory.ts'
import { type AskOptions, askPermission } from './permission.ts'
import { Registrar, type RegistrarOptions } from './registrar.ts'
import { belfryServer } from './server.ts'
import { type BelfryState, type Permission, State } from './state.ts'

export interface BelfryOptions extends RegistrarOptions, IncomingOptions {
  /** Where the Belfry server is: `https://push.example.com`. */
  baseUrl: string
  /** Takes the place of what is found on the phone. */
  device?: Partial<Device>
}

interface Parts {
  device: Device
  registrar: Registrar
  incoming: Incoming
}

export class Belfry {
  readonly #options: BelfryOptions
  readonly #state = new State()
  #parts: Promise<Parts> | undefined
  #viewing: Record<string, string> | null = null

  constructor(options: BelfryOptions) {
    this.#options = options
  }

  /** Registers the installation if somebody is logged in, and listens. @returns how to stop. */
  start(): () => void {
    let isStopped = false
    const stops: (() => void)[] = []
    void this.#open().then(({ registrar, incoming }) => {
      if (!isStopped) stops.push(incoming.start(), registrar.start())
    })
    return () => {
      isStopped = true
      for (const stop of stops.splice(0)) stop()
    }
  }

  /** Resolves when the phone's packages and memory are there. Nothing else needs to wait for it. */
  async ready(): Promise<void> {
    await this.#open()
  }

  readonly getState = (): BelfryState => this.#state.get()
  readonly subscribe = (listener: () => void): (() => void) => this.#state.subscribe(listener)

  /** Shows the system's question, if it may still be asked, and registers if the answer is yes. */
  async askPermission(options: AskOptions = {}): Promise<Permission> {
    const { device, registrar } = await this.#open()
    const permission = await askPermission(device, { channelName: this.#options.channelName, ...options })
    this.#state.set({ permission })
    void registrar.again()
    return permission
  }

  /** After log-in, when `getAuthToken` answers the new token. An account that was here before loses the installation. */
  async logIn(): Promise<void> {
    await (await this.#open()).registrar.logIn()
  }

  /**
   * Before log-out, while `getAuthToken` still answers. Takes 5 seconds at most; `later` means that the server could
   * not be told yet: it is remembered, and told as soon as it can be reached.
   */
  async logOut(): Promise<'done' | 'later'> {
    const { registrar, incoming } = await this.#open()
    const [how] = await Promise.all([registrar.logOut(), incoming.clear()])
    return how
  }

  /** What the person looks at now; notifications of the same are not shown over it. */
  setViewing(data: Record<string, string> | null): void {
    this.#viewing = data
    void this.#parts?.then(({ incoming }) => incoming.setViewing(this.#viewing))
  }

  #open(): Promise<Parts> {
    return (this.#parts ??= this.#assemble())
  }

  async #assemble(): Promise<Parts> {
    const options = this.#options
    const device = await expoDevice(options.device)
    const memory = await openMemory(device)
    const server = belfryServer(options.baseUrl, device)
    const registrar = new Registrar(options, { device, memory, server, state: this.#state })
    const incoming = new Incoming(options, device, memory, () => void registrar.again())
    incoming.setViewing(this.#viewing)
    return { device, registrar, incoming }
  }
}
