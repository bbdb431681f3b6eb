/** Where the run is: a bar on a terminal, a line a step elsewhere. All of it goes to standard error. */
import { SingleBar } from 'cli-progress'

export interface Progress {
  /** The next step begins. */
  step(what: string): void
  stop(): void
}

export function openProgress(steps: number): Progress {
  const started = performance.now()
  if (!process.stderr.isTTY) {
    let at = 0
    return {
      step: (what) =>
        console.error(`[${++at}/${steps}, ${Math.round((performance.now() - started) / 1000)} s] ${what}`),
      stop: () => {},
    }
  }
  const bar = new SingleBar({
    format: '  {bar} {value}/{total}  {duration_formatted}  {what}',
    barCompleteChar: '█',
    barIncompleteChar: '░',
    barsize: 30,
    hideCursor: true,
    clearOnComplete: true,
    stream: process.stderr,
  })
  bar.start(steps, 0, { what: 'starting' })
  let at = 0
  return {
    step: (what) => bar.update(Math.min(steps, at++), { what }),
    stop: () => bar.stop(),
  }
}
