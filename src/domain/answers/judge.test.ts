import { expect, test } from 'vitest'
import { judgeReceipts, judgeTickets, mayRepeat } from './judge.ts'
import { RESULT } from './result.ts'

const slots = (positions: number[]) => positions.map((position, at) => ({ part: 0, position, message: 0, at }))

test('tickets are matched by position, and who is gone is skipped', () => {
  const [verdict] = judgeTickets([['a', null, 'b']], slots([0, 2]), [
    { status: 'ok', id: 't1' },
    { status: 'error', code: 'DeviceNotRegistered', message: 'gone', pushToken: 'b' },
  ])
  expect(verdict?.results).toEqual([RESULT.accepted, RESULT.skipped, RESULT.refused])
  expect(verdict?.ticketIds).toEqual(['t1', null, null])
  expect(verdict?.refused).toEqual([
    { position: 2, code: 'DeviceNotRegistered', message: 'gone', fate: 'retire', pushToken: 'b' },
  ])
})

test('an error that names another token than the one at its position costs nobody a token', () => {
  const [verdict] = judgeTickets([['a']], slots([0]), [
    { status: 'error', code: 'DeviceNotRegistered', message: '', pushToken: 'somebody else' },
  ])
  expect(verdict?.refused[0]?.fate).toBe('keep')
})

test.each([
  ['DeviceNotRegistered', 'retire'],
  ['InvalidCredentials', 'suspend'],
  ['MessageTooBig', 'keep'],
  ['deviceNotRegistered', 'keep'],
  ['ANewCodeOfTomorrow', 'keep'],
  ['constructor', 'keep'],
  [null, 'keep'],
])('the code %s means: %s the token', (code, fate) => {
  const [verdict] = judgeTickets([['a']], slots([0]), [{ status: 'error', code, message: '' }])
  expect(verdict?.refused[0]?.fate).toBe(fate)
})

test('fewer tickets than recipients are never judged', () => {
  expect(() => judgeTickets([['a', 'b']], slots([0, 1]), [{ status: 'ok', id: 't' }])).toThrow('as many tickets')
})

test('a missing receipt stays awaited until the last look, and then is no receipt', () => {
  const delivery = { results: [RESULT.accepted, RESULT.refused, RESULT.accepted], ticket_ids: ['t1', null, 't3'] }
  const receipts = new Map([['t3', { status: 'ok' } as const]])
  expect(judgeReceipts(delivery, receipts, false).results).toEqual([
    RESULT.accepted,
    RESULT.refused,
    RESULT.handed_over,
  ])
  expect(judgeReceipts(delivery, receipts, true).results).toEqual([
    RESULT.no_receipt,
    RESULT.refused,
    RESULT.handed_over,
  ])
})

test('a receipt without a code is final', () => {
  const receipts = new Map([['t1', { status: 'error', code: null, message: 'no details' } as const]])
  const judged = judgeReceipts({ results: [RESULT.accepted], ticket_ids: ['t1'] }, receipts, false)
  expect(judged.results).toEqual([RESULT.failed])
  expect(judged.refused).toEqual([{ position: 0, code: null, message: 'no details', fate: 'keep' }])
})

test('three ambiguous answers, or twenty deaths, are enough; where repeats are not wanted, one of either', () => {
  expect(mayRepeat({ ambiguous: 2, deaths: 0 }, 'repeat')).toBe(true)
  expect(mayRepeat({ ambiguous: 3, deaths: 0 }, 'repeat')).toBe(false)
  expect(mayRepeat({ ambiguous: 0, deaths: 20 }, 'repeat')).toBe(true)
  expect(mayRepeat({ ambiguous: 0, deaths: 21 }, 'repeat')).toBe(false)
  expect(mayRepeat({ ambiguous: 0, deaths: 0 }, 'drop')).toBe(true)
  expect(mayRepeat({ ambiguous: 1, deaths: 0 }, 'drop')).toBe(false)
  expect(mayRepeat({ ambiguous: 0, deaths: 1 }, 'drop')).toBe(false)
})
