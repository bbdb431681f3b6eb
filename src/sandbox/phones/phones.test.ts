import { expect, test } from 'vitest'
import { Phones } from './phones.ts'

const silent = () => undefined

function phonesWith(platform: 'ios' | 'android') {
  const phones = new Phones(silent)
  const phone = phones.add({ platform, user: 'ana', userName: 'Ana', state: 'locked' })!
  const push = (fields: Record<string, unknown>) => phones.deliver(phone.token, { to: [phone.token], ...fields })
  return { phones, phone, push }
}

test('a repeat replaces the one before: by tag on Android, by collapseId on iOS', () => {
  for (const [platform, key, other] of [
    ['android', 'tag', 'collapseId'],
    ['ios', 'collapseId', 'tag'],
  ] as const) {
    const { phone, push } = phonesWith(platform)
    push({ title: 'One', [key]: 'n1' })
    push({ title: 'One again', [key]: 'n1' })
    push({ title: 'Two', [other]: 'n1' })
    expect(phone.notifications.map(({ title, copies }) => [title, copies])).toEqual([
      ['Two', 1],
      ['One again', 2],
    ])
  }
})

test('the badge is what an iPhone is told, and what waits on Android', () => {
  const ios = phonesWith('ios')
  ios.push({ title: 'x' })
  expect(ios.phone.badge).toBe(0)
  ios.push({ title: 'x', badge: 7 })
  expect(ios.phone.badge).toBe(7)
  const android = phonesWith('android')
  android.push({ title: 'x', badge: 7 })
  android.push({ title: 'y' })
  expect(android.phone.badge).toBe(2)
})

test('a tap opens the app where the data says, and takes the notification away', () => {
  const { phones, phone, push } = phonesWith('ios')
  push({ title: 'x', data: { screen: 'post_detail', post_id: 'p1' } })
  phones.tap(phone, phone.notifications[0]!.id)
  expect(phone).toMatchObject({
    state: 'open',
    screen: { name: 'post_detail', params: { post_id: 'p1' } },
    notifications: [],
  })
})

test('a push without a title or body shows nothing', () => {
  const { phone, push } = phonesWith('android')
  push({ data: { sync: true } })
  expect(phone).toMatchObject({ notifications: [], rings: 0, note: expect.stringContaining('silent push') })
})

test('a hundred thousand tokens that no phone holds cost no memory to speak of', () => {
  const phones = new Phones(silent)
  for (let index = 0; index < 100_000; index++) phones.deliver(`ExponentPushToken[${index}]`, { to: [], title: 'x' })
  expect(phones.strangers()).toMatchObject({ tokens: 1000, more: true, notifications: 100_000 })
})

test('phones come back as they were kept', () => {
  const { phones, phone, push } = phonesWith('ios')
  push({ title: 'x' })
  phones.deliver('ExponentPushToken[stranger]', { to: [], title: 'y' })
  const again = new Phones(silent)
  again.restore(JSON.parse(JSON.stringify(phones.kept())))
  expect(again.get(phone.id)).toEqual(phone)
  expect(again.strangers()).toEqual(phones.strangers())
})
