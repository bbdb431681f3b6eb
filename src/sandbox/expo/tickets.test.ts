import { describe, expect, test } from 'vitest'
import { BadReceipts, isPushToken, issuedAt, isTooBig, newTicketId, readReceiptsBody } from './tickets.ts'

const DELAY_MS = 1000
const DAY_MS = 86_400_000

describe('a ticket id', () => {
  test('is a UUIDv7 that says when it was given', () => {
    const id = newTicketId()
    expect(id).toMatch(/^[\da-f]{8}-[\da-f]{4}-7[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/)
    expect(Math.abs(issuedAt(id)! - Date.now())).toBeLessThan(1000)
  })

  test('that the sandbox never gave is not known', () => {
    expect(issuedAt('01975b8d-8352-7beb-8000-000000000000')).toBeUndefined()
    expect(issuedAt('nonsense')).toBeUndefined()
  })
})

describe('a receipt', () => {
  const receipts = new BadReceipts()

  test('is absent before its delay, ok after it, and gone after a day', () => {
    const id = newTicketId()
    const issued = issuedAt(id)!
    expect(receipts.receiptFor(id, issued + DELAY_MS - 1, DELAY_MS)).toBeUndefined()
    expect(receipts.receiptFor(id, issued + DELAY_MS, DELAY_MS)).toEqual({ status: 'ok' })
    expect(receipts.receiptFor(id, issued + DAY_MS + 1, DELAY_MS)).toBeUndefined()
  })

  test('has the code that was asked for, none, or is missing for good', () => {
    const [bad, bare, missing] = [newTicketId(), newTicketId(), newTicketId()]
    receipts.remember(bad, 'InvalidCredentials', 'ExponentPushToken[a]')
    receipts.remember(bare, 'none', 'ExponentPushToken[a]')
    receipts.remember(missing, 'missing', 'ExponentPushToken[a]')
    const later = Date.now() + DELAY_MS + 10
    expect(receipts.receiptFor(bad, later, DELAY_MS)).toMatchObject({ details: { error: 'InvalidCredentials' } })
    expect(receipts.receiptFor(bare, later, DELAY_MS)).toEqual({ status: 'error', message: expect.any(String) })
    expect(receipts.receiptFor(missing, later, DELAY_MS)).toBeUndefined()
  })

  test('is asked for at most a thousand at a time', () => {
    expect(readReceiptsBody({ ids: Array(1000).fill('x') })).toMatchObject({ ok: true })
    expect(readReceiptsBody({ ids: Array(1001).fill('x') })).toMatchObject({
      refused: { status: 400, code: 'PUSH_TOO_MANY_RECEIPTS' },
    })
    expect(readReceiptsBody({ ids: ['x', 1] })).toMatchObject({ refused: { message: '"ids[1]" must be a string.' } })
    expect(readReceiptsBody([])).toMatchObject({ refused: { code: 'VALIDATION_ERROR' } })
  })
})

test.each([
  ['ExponentPushToken[xxxxxxxxxxxxxxxxxxxxxx]', true],
  ['ExpoPushToken[a]', true],
  ['F5CF5A60-F6D7-4754-B7CC-31ED083B0DD3', true],
  ['ExponentPushToken[]', false],
  ['ExponentPushToken[a],ExponentPushToken[b]', false],
  ['ExponentPushToken[a\nb]', false],
  [' ExponentPushToken[a]', false],
  ['adsf', false],
])('%j is a push token: %s', (token, expected) => {
  expect(isPushToken(token)).toBe(expected)
})

test('a notification is too big by its bytes, not its letters', () => {
  expect(isTooBig({ body: 'x'.repeat(4000) })).toBe(false)
  expect(isTooBig({ body: 'ü'.repeat(2100) })).toBe(true)
  expect(isTooBig({ data: { text: 'x'.repeat(4100) } })).toBe(true)
})
