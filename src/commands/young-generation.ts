/**
 * V8 shrinks the young generation of a process that idles to 1 MB; told not to let it grow (`cli.ts`), it leaves it so, and a
 * broadcast after that collects nine times as often. So it may grow back to the 8 MB that a process starts with, and no further.
 */
import { PerformanceObserver } from 'node:perf_hooks'
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8'

/** It doubles: what has fewer becomes 8 MB at most. */
const FEW_BYTES = 6 * 1024 * 1024

export function holdYoungGeneration(): void {
  let factor = 1
  const hold = () => {
    const wanted = youngGenerationBytes() < FEW_BYTES ? 2 : 1
    if (wanted === factor) return
    factor = wanted
    setFlagsFromString(`--semi-space-growth-factor=${factor}`)
  }
  new PerformanceObserver(hold).observe({ entryTypes: ['gc'] })
}

/** Of its two halves one is in use at a time. */
function youngGenerationBytes(): number {
  const space = getHeapSpaceStatistics().find((one) => one.space_name === 'new_space')
  return space ? space.space_used_size + space.space_available_size : 0
}
