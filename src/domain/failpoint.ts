/**
 * Places where a test may kill, stop or delay the program. All that is here is a look whether a test has set a hook before
 * the program was loaded (`node --import`); there is no setting for it.
 */
export type Failpoint =
  | 'after_commit_before_answer'
  | 'mid_fan_out'
  | 'after_claim'
  | 'after_intent'
  | 'request_written'
  | 'after_answer'
  | 'before_save'
  | 'after_save'
  | 'after_receipts'
  | 'before_retire'
  | 'mid_migration'
  | 'before_set_aside'
  | 'after_set_aside'
  | 'in_shutdown'

type Hook = (name: Failpoint) => Promise<void> | void
const hook = (globalThis as { [key: symbol]: unknown })[Symbol.for('belfry.failpoint')] as Hook | undefined

export async function failpoint(name: Failpoint): Promise<void> {
  if (hook) await hook(name)
}
