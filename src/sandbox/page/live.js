/** What the server knows, kept fresh by server-sent events. The page holds nothing of its own: closing it loses nothing. */

/**
 * @typedef {{id: string, title: string, subtitle: string, body: string, data: Record<string, unknown>, sound: string|null,
 *   badge: number|null, priority: string, channelId: string|null, replaces: string|null, copies: number, at: number}} Shown
 * @typedef {{id: string, platform: 'ios'|'android', user: string, userName: string, token: string,
 *   state: 'open'|'background'|'closed'|'locked', registered: boolean, problem: string|null, note: string|null, badge: number,
 *   screen: {name: string, params: Record<string, string>}|null, banner: string|null, notifications: Shown[], rings: number, answer: string}} Phone
 * @typedef {{tokens: number, more: boolean, notifications: number, latest: {token: string, title: string, notifications: number}[]}} Strangers
 * @typedef {{belfry: string|null, canMint: boolean, phones: Phone[], strangers: Strangers}} Hello
 * @typedef {{hello(all: Hello): void, phone(phone: Phone, rang: string[]): void, removed(id: string): void,
 *   strangers(strangers: Strangers): void, connection(alive: boolean): void}} Listener
 */

const RECONNECT_MS = 2000

/** @param {Listener} listener */
export function listen(listener) {
  const source = new EventSource('events')
  const on = (/** @type {string} */ name, /** @type {(data: any) => void} */ then) =>
    source.addEventListener(name, (event) => then(JSON.parse(event.data)))
  on('hello', (all) => {
    listener.connection(true)
    listener.hello(all)
  })
  on('phone', ({ phone, rang }) => listener.phone(phone, rang))
  on('removed', ({ id }) => listener.removed(id))
  on('strangers', (strangers) => listener.strangers(strangers))
  source.addEventListener('error', () => {
    listener.connection(false)
    // The browser reconnects by itself, except after an error page of a proxy.
    if (source.readyState === EventSource.CLOSED) setTimeout(() => listen(listener), RECONNECT_MS)
  })
}
