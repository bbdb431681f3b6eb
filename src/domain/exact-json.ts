/** JSON of other systems, whose ids may be whole numbers that JavaScript would round: those stay as they are written. */

type Reviver = (key: string, value: unknown, context: { source?: string }) => unknown
type Parse = (text: string, reviver: Reviver) => unknown

/** @throws SyntaxError, as JSON.parse does. */
export function parseExactly(text: string): unknown {
  return (JSON.parse as Parse)(text, keepWritten)
}

const keepWritten: Reviver = (key, value, { source }) => {
  if (key === '__proto__') return undefined
  const isLong = typeof value === 'number' && Number.isInteger(value) && !Number.isSafeInteger(value)
  return isLong ? source : value
}
