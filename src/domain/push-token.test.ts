import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isPushToken, maskPushToken, maskPushTokensIn } from './push-token.ts'

describe('a push token', () => {
  test.each([
    'ExponentPushToken[xxxxxxxxxxxxxxxxxxxxxx]',
    'ExpoPushToken[a-b_c]',
    'ExponentPushToken[your-test-token]',
    'f5cf5a60-f6d7-4754-b7cc-31ed083b0dd3',
    `ExponentPushToken[${'x'.repeat(255 - 19)}]`,
  ])('is %s', (token) => {
    expect(isPushToken(token)).toBe(true)
  })

  test.each([
    'ExponentPushToken[]',
    'ExponentPushToken[a],ExponentPushToken[b]',
    'ExponentPushToken[a,b]',
    'ExponentPushToken[a]ExponentPushToken[b]',
    'ExponentPushToken[a b]',
    'ExponentPushToken[a]\n',
    ' ExponentPushToken[a]',
    'ExponentPushToken[a\u0000]',
    'ExponentPushToken[ä]',
    'exponentpushtoken[a]',
    `ExponentPushToken[${'x'.repeat(255 - 18)}]`,
    '',
    null,
    42,
    { toString: () => 'ExponentPushToken[a]' },
    ['ExponentPushToken[a]'],
  ])('is not %j', (value) => {
    expect(isPushToken(value)).toBe(false)
  })

  test('is never shown whole, and masking twice changes nothing', () => {
    expect(maskPushToken('ExponentPushToken[abcdefgh]')).toBe('ExponentPushToken[abc…]')
    expect(maskPushToken('f5cf5a60-f6d7-4754-b7cc-31ed083b0dd3')).toBe('f5c…')
    fc.assert(
      fc.property(fc.stringMatching(/^Expo(nent)?PushToken\[[a-zA-Z0-9_-]{4,60}\]$/), (token) => {
        const masked = maskPushToken(token)
        expect(masked).not.toContain(token.slice(token.indexOf('[') + 1, -1))
        expect(maskPushToken(masked)).toBe(masked)
        expect(maskPushTokensIn(`"${token}" is not registered`)).toBe(`"${masked}" is not registered`)
      }),
    )
  })
})
