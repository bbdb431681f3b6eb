import { expect, test } from 'vitest'
import type { Recipient } from '../notification.ts'
import { buildRequest } from './messages.ts'

const recipient = (id: number, deviceType: 'ios' | 'android' | null, locale: string | null = null): Recipient => ({
  id,
  token: `ExponentPushToken[${id}]`,
  deviceType,
  locale,
  project: null,
  userId: 'u',
  suspended: false,
})
const content = {
  title: 'Hello',
  body: 'World',
  data: { n: 1 },
  options: { sound: 'default', priority: 'high' as const },
}

test('the same content is one object a platform, each with what makes a repeat replace it', () => {
  const recipients = [recipient(1, 'ios'), recipient(2, 'android'), null, recipient(3, 'ios'), recipient(4, null)]
  const { messages, slots } = buildRequest([{ notificationId: 'n1', content, recipients }])
  const words = { title: 'Hello', body: 'World', data: { n: 1 }, sound: 'default', priority: 'high' }
  expect(messages).toEqual([
    { to: ['ExponentPushToken[1]', 'ExponentPushToken[3]'], ...words, collapseId: 'n1' },
    { to: ['ExponentPushToken[2]'], ...words, tag: 'n1' },
    { to: ['ExponentPushToken[4]'], ...words, tag: 'n1' },
  ])
  // Expo's tickets come in the order of the objects and their lists; each finds its recipient back.
  expect(slots.map(({ position }) => position)).toEqual([0, 3, 1, 4])
})

test('a device gets the words of its locale, of its language, or the default ones', () => {
  const localized = { de: { title: 'Hallo', body: 'Welt' }, 'pt-BR': { title: 'Oi', body: 'Mundo' } }
  const recipients = [
    recipient(1, 'ios', 'de-AT'),
    recipient(2, 'ios', 'pt-BR'),
    recipient(3, 'ios', 'fr'),
    recipient(4, 'ios'),
  ]
  const { messages } = buildRequest([{ notificationId: 'n1', content: { ...content, localized }, recipients }])
  expect(messages.map((message) => [message.title, message.to.length])).toEqual([
    ['Hallo', 1],
    ['Oi', 1],
    ['Hello', 2],
  ])
})

test('several notifications share a request, and their own tag or collapseId is kept', () => {
  const own = { ...content, options: { tag: 'mine', collapseId: 'mine' } }
  const { messages, slots } = buildRequest([
    { notificationId: 'n1', content, recipients: [recipient(1, 'android')] },
    { notificationId: 'n2', content: own, recipients: [recipient(2, 'android'), recipient(3, 'ios')] },
  ])
  expect(messages.map(({ tag, collapseId }) => [tag, collapseId])).toEqual([
    ['n1', undefined],
    ['mine', 'mine'],
    ['mine', 'mine'],
  ])
  expect(slots.map((slot) => slot.part)).toEqual([0, 1, 1])
})
