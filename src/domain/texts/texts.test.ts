import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { cutText, MAX_BODY_BYTES } from './graphemes.ts'
import { defaultTexts, messageText, postText, testText } from './texts.ts'
import { readTexts } from './texts-file.ts'

const texts = defaultTexts('Smriti')
const count = (text: string) => [...new Intl.Segmenter('en', { granularity: 'grapheme' }).segment(text)].length

describe("the documents' words", () => {
  test('a post', () => {
    expect(postText(texts, { username: 'ana', title: 'Rain' })).toEqual({
      title: 'New Reflection from ana',
      body: 'Rain',
    })
  })

  test.each([
    ['text', '💬 New Message', 'ana: hi'],
    ['zoom_link', '🎥 Interview Scheduled!', 'ana scheduled an interview. Tap to see when.'],
    ['form_link', '📝 Test Assigned!', 'ana assigned you a test. Tap to open it.'],
    ['status_update', '📋 Status Update', 'hi'],
  ] as const)('a message of type %s', (type, title, body) => {
    expect(messageText(texts, type, { sender: 'ana', content: 'hi' })).toEqual({ title, body })
  })

  test('nobody has no name', () => {
    expect(postText(texts, { username: null, title: 'x' }).title).toBe('New Reflection from Someone')
    expect(messageText(texts, 'text', { sender: '', content: 'x' }).body).toBe('Someone: x')
  })

  test('a test push', () => {
    expect(testText(texts)).toEqual({ title: 'Test Notification', body: 'This is a test from Smriti backend' })
  })

  test('what people type is never taken for a placeholder', () => {
    const worded = messageText(texts, 'text', { sender: '{content}', content: '{sender} {app} $&' })
    expect(worded.body).toBe('{content}: {sender} {app} $&')
  })
})

describe('cutting', () => {
  test('at 140 graphemes, the last one an ellipsis', () => {
    const family = '👨‍👩‍👧‍👦'
    expect(cutText('a'.repeat(140), 140)).toBe('a'.repeat(140))
    expect(cutText('a'.repeat(141), 140)).toBe(`${'a'.repeat(139)}…`)
    expect(cutText(family.repeat(130), 140)).toBe(family.repeat(130))
    expect(count(cutText('ż'.repeat(999), 140))).toBe(140)
  })

  test('keeps text well-formed, short enough and its own beginning, whatever came', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 4_000, size: 'max' }), (text) => {
        const cut = cutText(text, 140)
        expect(cut.isWellFormed()).toBe(true)
        expect(Buffer.byteLength(cut)).toBeLessThanOrEqual(MAX_BODY_BYTES)
        expect(text.startsWith(cut.replace(/…$/, '')) || text === cut).toBe(true)
        expect(count(text) <= 140 || cut.endsWith('…')).toBe(true)
      }),
      { numRuns: 50 },
    )
  })

  test('one grapheme of a hundred thousand marks does not make a push too big', () => {
    const cut = cutText(`a${'\u0301'.repeat(100_000)}`, 140)
    expect(Buffer.byteLength(cut)).toBeLessThanOrEqual(MAX_BODY_BYTES)
  })
})

describe('TEXTS_FILE', () => {
  test('words posts and messages by locale, and falls back to the defaults', () => {
    const { texts: own, faults } = readTexts(
      {
        default: { post: { title: '{username} schrieb', body: '{title}' } },
        DE: { text: { title: '{app}', body: '{sender}: {content}' } },
      },
      'Smriti',
    )
    expect(faults).toEqual([])
    expect(postText(own, { username: 'ana', title: 'x' })).toEqual({ title: 'ana schrieb', body: 'x' })
    expect(messageText(own, 'text', { sender: 'ana', content: 'hi' })).toEqual({
      title: '💬 New Message',
      body: 'ana: hi',
      localized: { de: { title: 'Smriti', body: 'ana: hi' } },
    })
  })

  test('tells all its faults', () => {
    const { faults } = readTexts(
      {
        'not a locale': {},
        de: {
          post: { title: '{sender}', body: '' },
          letter: {},
          text: 'x',
          zoom_link: { title: 'a', body: 'b', c: 1 },
        },
        fr: [],
      },
      'x',
    )
    expect(faults).toHaveLength(7)
    expect(readTexts([], 'x').faults).toHaveLength(1)
  })
})
