/** How much is measured: enough to believe (the default), enough to see (quick), all there is (full). */
export interface Size {
  name: 'quick' | 'usual' | 'full'
  /** Runs that a median is of; and of broadcasts as fast as they go, which differ most. */
  rounds: number
  fastRounds: number
  /** Devices of a broadcast without latency; of one with a job per device; with 100 ms latency, for each worker. */
  devices: number
  jobs: number
  slowDevices: number
  /** Direct messages: one at a time; as many as go. Registrations likewise. */
  singles: number
  bulk: number
  /** POSTs that are timed. */
  posts: number
  /** Devices of the broadcast behind which they are; the embedded database takes minutes to make a million. */
  crowd: number
  crowdEmbedded: number
  /** Devices of the broadcasts whose memory is watched. */
  audiences: number[]
  /** Devices whose ledger is weighed. */
  ledger: number
}

export const sizes: Record<Size['name'], Size> = {
  quick: {
    name: 'quick',
    rounds: 2,
    fastRounds: 3,
    devices: 150_000,
    jobs: 5_000,
    slowDevices: 10_000,
    singles: 25,
    bulk: 250,
    posts: 150,
    crowd: 60_000,
    crowdEmbedded: 15_000,
    audiences: [10_000, 100_000],
    ledger: 30_000,
  },
  usual: {
    name: 'usual',
    rounds: 5,
    fastRounds: 5,
    devices: 200_000,
    jobs: 10_000,
    slowDevices: 30_000,
    singles: 100,
    bulk: 5_000,
    posts: 500,
    crowd: 1_000_000,
    crowdEmbedded: 100_000,
    audiences: [10_000, 100_000, 1_000_000],
    ledger: 200_000,
  },
  full: {
    name: 'full',
    rounds: 5,
    fastRounds: 5,
    devices: 200_000,
    jobs: 10_000,
    slowDevices: 30_000,
    singles: 200,
    bulk: 10_000,
    posts: 1_000,
    crowd: 1_000_000,
    crowdEmbedded: 100_000,
    audiences: [10_000, 100_000, 1_000_000, 10_000_000],
    ledger: 1_000_000,
  },
}
