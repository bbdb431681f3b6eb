import { describe, expect, test } from 'vitest'
import { readSendBody } from './message.ts'

const to = 'ExponentPushToken[a]'

function faultOf(body: unknown) {
  const read = readSendBody(body)
  return read.ok ? undefined : read.refused
}

describe('a send request', () => {
  test('with one object and one recipient is answered with one ticket, not a list', () => {
    expect(readSendBody({ to, title: 'x' })).toMatchObject({ ok: true, single: true, recipients: 1 })
    expect(readSendBody([{ to }])).toMatchObject({ ok: true, single: false, recipients: 1 })
    expect(readSendBody({ to: [to, to] })).toMatchObject({ ok: true, single: false, recipients: 2 })
  })

  test('counts recipients, not messages', () => {
    expect(readSendBody([{ to: Array(60).fill(to) }, { to: Array(40).fill(to) }])).toMatchObject({ ok: true })
    const refused = faultOf([{ to: Array(60).fill(to) }, { to: Array(41).fill(to) }])
    expect(refused).toMatchObject({ status: 400, code: 'PUSH_TOO_MANY_NOTIFICATIONS' })
    expect(refused?.message).toContain('received 101')
  })

  test('names the malformed field of the message it is in', () => {
    expect(faultOf([{ to }, { to }, { to, title: 3 }])?.message).toBe('"[2].title" must be a string.')
    expect(faultOf({ to, title: 3 })?.message).toBe('"title" must be a string.')
    expect(faultOf([{ title: 'x' }])?.message).toBe('"[0].to" is required.')
    expect(faultOf([7])?.message).toBe('"[0]" must be of type object.')
  })

  test.each([
    ['data as a JSON string', { data: '{}' }],
    ['data as a list', { data: [] }],
    ['null for a text', { body: null }],
    ['an unknown priority', { priority: 'urgent' }],
    ['a badge that is no whole number', { badge: 1.5 }],
    ['a time to live in words', { ttl: '1 day' }],
    ['a negative time to live', { ttl: -1 }],
    ['a sound that is a number', { sound: 1 }],
    ['a relevance above one', { relevanceScore: 2 }],
    ['a collapseId over 64 bytes', { collapseId: 'ü'.repeat(33) }],
    ['an interruption level of its own', { interruptionLevel: 'loud' }],
    ['a flag in words', { mutableContent: 'yes' }],
    ['an image that is no text', { richContent: { image: 1 } }],
    ['no recipients', { to: [] }],
    ['a recipient that is no text', { to: [to, 1] }],
  ])('is refused for %s', (_name, fields) => {
    expect(faultOf([{ to, ...fields }])).toMatchObject({ status: 400, code: 'VALIDATION_ERROR' })
  })

  test.each([[null], ['text'], [[]], [3]])('is refused when its body is %j', (body) => {
    expect(faultOf(body)).toMatchObject({ code: 'VALIDATION_ERROR' })
  })

  test('may carry every documented field, and fields that nobody knows', () => {
    const all = {
      to,
      data: { a: 1 },
      title: 't',
      subtitle: 's',
      body: 'b',
      ttl: 0,
      expiration: 1,
      priority: 'high',
      sound: { critical: true, name: null, volume: 0.5 },
      badge: 0,
      interruptionLevel: 'time-sensitive',
      channelId: 'default',
      icon: 'i',
      richContent: { image: 'https://example.com/a.png' },
      categoryId: 'c',
      mutableContent: true,
      contentAvailable: true,
      _contentAvailable: true,
      collapseId: 'c',
      tag: 't',
      threadId: 't',
      targetContentId: 't',
      relevanceScore: 1,
      filterCriteria: 'f',
      somethingNew: { deep: true },
    }
    expect(readSendBody([all])).toMatchObject({ ok: true })
    expect(readSendBody([{ to, sound: null }])).toMatchObject({ ok: true })
  })
})
