import fc from 'fast-check'
import { expect, test } from 'vitest'
import { divide, type Suspect } from './divide.ts'

const suspects = (count: number): Suspect[] =>
  Array.from({ length: count }, (_, at) => ({ token: `t${at}`, message: at < count / 2 ? 0 : 1, at }))
const refusal = { code: 'VALIDATION_ERROR', message: 'something is wrong' }

test("mixed projects are divided by Expo's own lists; who is in none goes alone", () => {
  const groups = divide(suspects(5), {
    code: 'PUSH_TOO_MANY_EXPERIENCE_IDS',
    message: '',
    details: { '@a/one': ['t0', 't3'], '@a/two': ['t1'] },
  })
  expect(groups).toEqual([
    { members: [0, 3], project: '@a/one' },
    { members: [1], project: '@a/two' },
    { members: [2] },
    { members: [4] },
  ])
})

test('details that say nothing are no reason to loop: halves', () => {
  const groups = divide(suspects(4), {
    code: 'PUSH_TOO_MANY_EXPERIENCE_IDS',
    message: '',
    details: { '@a/one': ['t0', 't1', 't2', 't3'] },
  })
  expect(groups).toEqual([{ members: [0, 1] }, { members: [2, 3] }])
})

test('the message object that the text names is parted from the others', () => {
  expect(divide(suspects(4), { ...refusal, message: '"[1].title" must be a string.' })).toEqual([
    { members: [0, 1] },
    { members: [2, 3] },
  ])
  expect(divide(suspects(4), { ...refusal, message: '"[0].to[1]" is not valid' })).toEqual([
    { members: [0, 2, 3] },
    { members: [1] },
  ])
})

test('one recipient is not divided', () => {
  expect(divide(suspects(1), refusal)).toBeUndefined()
})

test('dividing loses nobody, doubles nobody, and always gets smaller', () => {
  const message = fc.oneof(
    fc.string(),
    fc.tuple(fc.nat(3), fc.nat(9)).map(([m, a]) => `"[${m}].to[${a}]" is bad`),
  )
  const details = fc.oneof(fc.anything(), fc.dictionary(fc.string(), fc.array(fc.nat(12).map((n) => `t${n}`))))
  fc.assert(
    fc.property(
      fc.integer({ min: 2, max: 12 }),
      fc.constantFrom('VALIDATION_ERROR', 'PUSH_TOO_MANY_EXPERIENCE_IDS'),
      message,
      details,
      (count, code, text, lists) => {
        const groups = divide(suspects(count), { code, message: text, details: lists }) ?? []
        expect(groups.flatMap((group) => group.members).toSorted((a, b) => a - b)).toEqual(
          Array.from({ length: count }, (_, i) => i),
        )
        expect(groups.length).toBeGreaterThan(1)
        expect(groups.every((group) => group.members.length > 0)).toBe(true)
      },
    ),
  )
})
