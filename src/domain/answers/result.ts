/**
 * What became of one recipient of a delivery. The ledger keeps one small number for each, in the order of the
 * delivery's push tokens, and the counts of a delivery are always those of its results: that is how the books balance.
 */
export const RESULT = {
  pending: 0,
  /** Expo took it and gave a ticket; its receipt is awaited. */
  accepted: 1,
  /** Its receipt says that Apple or Google took it. */
  handed_over: 2,
  /** Its receipt says that they did not. */
  failed: 3,
  /** Expo never gave a receipt. */
  no_receipt: 4,
  refused: 5,
  skipped: 6,
  expired: 7,
  cancelled: 8,
  /** It may or may not have been sent, and it will not be tried again. */
  unknown: 9,
} as const

export type ResultName = keyof typeof RESULT
export type Result = (typeof RESULT)[ResultName]

const names = Object.fromEntries(Object.entries(RESULT).map(([name, code]) => [code, name])) as Record<
  number,
  ResultName
>

export function resultName(code: number): ResultName {
  const name = names[code]
  if (name === undefined) throw new Error(`no result has the code ${code}`)
  return name
}

/** `accepted` counts everything that Expo took, whatever its receipt said later. */
export interface Counts {
  accepted: number
  handed_over: number
  failed: number
  no_receipt: number
  refused: number
  skipped: number
  expired: number
  cancelled: number
  unknown: number
}

export function countResults(results: readonly number[]): Counts {
  const times = Object.values(RESULT).map(() => 0)
  for (const code of results) {
    const before = times[code]
    if (before === undefined) throw new Error(`no result has the code ${code}`)
    times[code] = before + 1
  }
  const of = (name: ResultName) => times[RESULT[name]] ?? 0
  return {
    accepted: of('accepted') + of('handed_over') + of('failed') + of('no_receipt'),
    handed_over: of('handed_over'),
    failed: of('failed'),
    no_receipt: of('no_receipt'),
    refused: of('refused'),
    skipped: of('skipped'),
    expired: of('expired'),
    cancelled: of('cancelled'),
    unknown: of('unknown'),
  }
}
