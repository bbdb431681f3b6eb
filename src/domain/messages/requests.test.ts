import fc from 'fast-check'
import { expect, test } from 'vitest'
import { countResults, RESULT } from '../answers/result.ts'
import { BACKOFF_CAP_MS, backoffMs } from '../backoff.ts'
import { byProject, MAX_RECIPIENTS, pack, sizeBeside } from './requests.ts'

const project = fc.constantFrom(null, '@a/one', '@a/two')

test('requests hold at most 100 recipients, all of one project, and nobody is lost', () => {
  fc.assert(
    fc.property(fc.array(project, { maxLength: 500 }), (projects) => {
      const recipients = projects.map((one, id) => ({
        id,
        token: '',
        deviceType: null,
        locale: null,
        project: one,
        userId: 'u',
        suspended: false,
      }))
      const requests = byProject(recipients)
      expect(requests.every((one) => one.recipients.length <= MAX_RECIPIENTS)).toBe(true)
      expect(requests.every((one) => one.recipients.every((recipient) => recipient.project === one.project))).toBe(true)
      expect(requests.flatMap((one) => one.recipients.map(({ id }) => id)).toSorted((a, b) => a - b)).toEqual(
        recipients.map(({ id }) => id),
      )
    }),
  )
})

test('where requests must be smaller, they are all of a size', () => {
  const recipients = Array.from({ length: 1_000 }, (_, id) => ({
    id,
    token: '',
    deviceType: null,
    locale: null,
    project: null,
    userId: 'u',
    suspended: false,
  }))
  const sizes = byProject(recipients, 99).map((one) => one.recipients.length)
  expect(sizes).toEqual([...Array.from({ length: 10 }, () => 91), 90])
  expect(byProject(recipients).map((one) => one.recipients.length)).toEqual(Array.from({ length: 10 }, () => 100))
})

test('beside direct ones, as many whole requests as fit leave room for them, and little more', () => {
  expect(sizeBeside(1_000, 600, 0)).toBe(100)
  expect(sizeBeside(1_000, 600, 10)).toBe(84)
  expect(sizeBeside(1_000, 600, 20)).toBe(72)
  expect(sizeBeside(40, 600, 20)).toBe(100)
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 3_000 }),
      fc.integer({ min: 1, max: 2_000 }),
      fc.integer({ min: 0, max: 500 }),
      (count, limit, direct) => {
        const size = sizeBeside(count, limit, direct)
        expect(size).toBeGreaterThan(0)
        expect(size).toBeLessThanOrEqual(Math.min(MAX_RECIPIENTS, limit))
      },
    ),
  )
})

test('small parcels share requests without being cut', () => {
  const parcelsUpTo = (most: number) =>
    fc.array(fc.record({ project, size: fc.integer({ min: 1, max: most }) }), { maxLength: 200 })
  const some = fc
    .integer({ min: 1, max: MAX_RECIPIENTS })
    .chain((most) => fc.tuple(fc.constant(most), parcelsUpTo(most)))
  fc.assert(
    fc.property(some, ([most, parcels]) => {
      const requests = pack(parcels, most)
      expect(requests.flat()).toHaveLength(parcels.length)
      for (const request of requests) {
        expect(new Set(request.map((one) => one.project)).size).toBe(1)
        expect(request.reduce((sum, one) => sum + one.size, 0)).toBeLessThanOrEqual(most)
      }
    }),
  )
})

test('the backoff doubles up to its cap and keeps its jitter', () => {
  expect([1, 2, 3, 4].map((tries) => backoffMs(tries, 1))).toEqual([1_000, 2_000, 4_000, 8_000])
  expect(backoffMs(1_000, 1)).toBe(BACKOFF_CAP_MS)
  expect(backoffMs(3, 0)).toBe(0)
})

test('what Expo took counts as accepted, whatever its receipt said', () => {
  const counts = countResults([
    RESULT.accepted,
    RESULT.handed_over,
    RESULT.failed,
    RESULT.no_receipt,
    RESULT.refused,
    RESULT.pending,
  ])
  expect(counts).toMatchObject({ accepted: 4, handed_over: 1, failed: 1, no_receipt: 1, refused: 1, skipped: 0 })
})
