/** How much is measured: enough to believe (the default), enough to see (quick), all there is (full). */
export interface Size {
  name: 'quick' | 'usual' | 'full'
  /** Runs that a median is of. */
  rounds: number
  /** Devices of a broadcast without latency; of one with a job per device; with 100 ms latency, for each process. */
  devices: number
  jobs: number
  slowDevices: number
  /** Direct messages: one at a time; as many as go. Registrations likewise. */
  singles: number
  bulk: number
  /** Devices of the broadcast behind which POSTs are timed. */
  crowd: number
  /** Devices of the broadcasts whose memory is watched. */
  audiences: number[]
  /** Devices whose ledger is weighed. */
  ledger: number
}

export const sizes: Record<Size['name'], Size> = {
  quick: {
    name: 'quick',
    rounds: 3,
    devices: 100_000,
    jobs: 5_000,
    slowDevices: 12_000,
    singles: 40,
    bulk: 1_000,
    crowd: 100_000,
    audiences: [10_000, 100_000],
    ledger: 50_000,
  },
  usual: {
    name: 'usual',
    rounds: 5,
    devices: 200_000,
    jobs: 10_000,
    slowDevices: 30_000,
    singles: 100,
    bulk: 5_000,
    crowd: 1_000_000,
    audiences: [10_000, 100_000, 1_000_000],
    ledger: 200_000,
  },
  full: {
    name: 'full',
    rounds: 5,
    devices: 200_000,
    jobs: 10_000,
    slowDevices: 30_000,
    singles: 200,
    bulk: 10_000,
    crowd: 1_000_000,
    audiences: [10_000, 100_000, 1_000_000, 10_000_000],
    ledger: 1_000_000,
  },
}
