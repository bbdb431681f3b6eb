/** What is wrong with the settings: a line for each fault. The process ends with this exit code. */
export class ConfigFault extends Error {
  readonly exitCode = 78
  readonly faults: string[]
  /** What was hardly meant, and may be why a setting is missing. */
  readonly doubts: string[]
  constructor(faults: string[], doubts: string[] = []) {
    super(`The settings do not fit:\n${[...faults, ...doubts].map((line) => `  ${line}`).join('\n')}`)
    this.name = 'ConfigFault'
    this.faults = faults
    this.doubts = doubts
  }
}
