/**
 * Loaded before the program (`node --import`): its wall clock jumps. BELFRY_TEST_CLOCK is `afterMs:offsetMs,…`; timers
 * go on as they were, as they do when a machine's clock is set.
 */
const RealDate = Date
let offset = 0
for (const jump of (process.env.BELFRY_TEST_CLOCK ?? '').split(',').filter(Boolean)) {
  const [after, to] = jump.split(':').map(Number)
  if (after === 0) offset = to!
  else setTimeout(() => (offset = to!), after).unref()
}

class JumpingDate extends RealDate {
  constructor(...given: unknown[]) {
    if (given.length === 0) super(RealDate.now() + offset)
    else super(...(given as [number]))
  }
  static override now(): number {
    return RealDate.now() + offset
  }
}
globalThis.Date = JumpingDate as DateConstructor
