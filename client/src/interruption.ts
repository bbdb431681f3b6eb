/** Waiting that does not outlast its reason: the person logged out meanwhile, or the answer does not come. */
import type { Device } from './device.ts'

export const interrupted = Symbol('interrupted')
export type Interrupted = typeof interrupted

export class Interruption {
  readonly #device: Pick<Device, 'after'>
  /** How often it has happened: what was learnt before the latest may no longer hold. */
  count = 0
  #interrupt: () => void = () => {}
  #happened = this.#next()

  constructor(device: Pick<Device, 'after'>) {
    this.#device = device
  }

  /** Everything that waits now stops waiting. */
  happen(): void {
    this.count++
    this.#interrupt()
    this.#happened = this.#next()
  }

  /** Rejects as `work` does, and when it takes too long. */
  async or<T>(work: Promise<T>, longestMs: number): Promise<T | Interrupted> {
    let cancel = () => {}
    const tooLong = new Promise<never>((_, fail) => {
      cancel = this.#device.after(longestMs, () => fail(new Error(`No answer in ${longestMs / 1000} s`)))
    })
    try {
      return await Promise.race([work, this.#happened, tooLong])
    } finally {
      cancel()
    }
  }

  #next(): Promise<Interrupted> {
    return new Promise((done) => {
      this.#interrupt = () => done(interrupted)
    })
  }
}
