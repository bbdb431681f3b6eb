/** The battery, in the order of the table in docs/reliability.md. */
import type { Test } from './kit/battery.ts'
import { r01 } from './r01-kills.ts'
import { r01b } from './r01b-failpoints.ts'
import { r02 } from './r02-database.ts'
import { r03 } from './r03-zombie.ts'
import { r04 } from './r04-expo-fails.ts'
import { r04b } from './r04b-expo-down.ts'
import { r04c } from './r04c-all-at-once.ts'
import { r05 } from './r05-rolling.ts'
import { r06 } from './r06-blocked.ts'
import { r07 } from './r07-poison.ts'
import { r08 } from './r08-retiring.ts'
import { r09 } from './r09-credentials.ts'
import { r10 } from './r10-rate.ts'
import { r11 } from './r11-folder.ts'
import { r12 } from './r12-clocks.ts'
import { r13 } from './r13-receipts.ts'
import { r15 } from './r15-sigterm.ts'
import { r16 } from './r16-idempotency.ts'
import { r17 } from './r17-overload.ts'

const expoAndTokens: Test[] = [r04, r04b, r04c, r07, r08, r09]
const deaths: Test[] = [r01, r01b, r02, r03, r05, r06, r11, r15]
const timeAndLoad: Test[] = [r10, r12, r13, r16, r17]
export const tests: Test[] = [...deaths, ...expoAndTokens, ...timeAndLoad].toSorted(byId)

/** R1, R1b, R2, … R10 after R9. */
function byId(a: Test, b: Test): number {
  return a.id.localeCompare(b.id, 'en', { numeric: true })
}
