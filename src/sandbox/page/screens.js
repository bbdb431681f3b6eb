/** What a phone's screen shows in each of its four states. Pure: a phone in, an element out. */
import { ago, h, icon } from './dom.js'

/** @typedef {import('./live.js').Phone} Phone @typedef {import('./live.js').Shown} Shown */
/** @typedef {{tap: (id: string) => void, dismiss: (id: string) => void, home: () => void, shade: () => void}} Touch */

/** Cards that fit a screen; the rest are counted. */
const CARDS_LOCKED = 3
const CARDS_SHADE = 4

/** @param {Phone} phone @param {{shade: boolean, fresh: Set<string>, touch: Touch}} view */
export function screen(phone, view) {
  const content = { open: app, background: home, closed: home, locked: lock }[phone.state](phone, view)
  const bar = h(
    'div',
    { class: 'statusbar', 'aria-hidden': 'true' },
    h('span', { class: 'clock', 'data-clock': 'short' }),
    phone.platform === 'android' && phone.notifications.length > 0 && phone.state !== 'open' ? icon('bell') : null,
    h('span', { class: 'island' }),
    h('span', { class: 'radio' }, icon('signal'), icon('wifi'), icon('battery')),
  )
  return h(
    'div',
    { class: `screen ${phone.state}` },
    bar,
    content,
    h('div', { class: 'gesture', 'aria-hidden': 'true' }),
  )
}

/** @param {Phone} phone @param {{fresh: Set<string>, touch: Touch}} view */
function lock(phone, { fresh, touch }) {
  const cards = phone.notifications.slice(0, CARDS_LOCKED).map((shown) => card(phone, shown, fresh, touch))
  const hidden = phone.notifications.length - cards.length
  return h(
    'div',
    { class: cards.length < CARDS_LOCKED ? 'lock' : 'lock full' },
    phone.platform === 'ios' ? icon('lock') : null,
    h('p', { class: 'lockdate', 'data-clock': 'date' }),
    h('p', { class: 'lockclock', 'data-clock': phone.platform === 'ios' ? 'long' : 'stacked' }),
    h('div', { class: 'cards' }, ...cards, hidden > 0 ? h('p', { class: 'more' }, `and ${hidden} earlier`) : null),
    h('div', { class: 'lockfoot', 'aria-hidden': 'true' }, h('span', {}, icon('torch')), h('span', {}, icon('camera'))),
  )
}

const neighbours = ['📅', '🗺️', '🎧', '📷', '🌤️', '📚']
const dock = ['📞', '💌', '🧭']

/** @param {Phone} phone @param {{shade: boolean, fresh: Set<string>, touch: Touch}} view */
function home(phone, { shade, fresh, touch }) {
  const running = phone.state === 'background'
  const waiting = phone.notifications.filter((shown) => shown.id !== phone.banner).length
  const tile = (/** @type {string} */ emoji) => h('span', { class: 'tile' }, emoji)
  const ours = h(
    'span',
    { class: 'tile ours' },
    icon('bell'),
    badge(phone),
    h('span', { class: 'tilename' }, 'Your app'),
  )
  return h(
    'div',
    { class: 'home' },
    banner(phone, fresh, touch),
    shade ? shadeOf(phone, fresh, touch) : null,
    h(
      'div',
      { class: 'tiles', 'aria-hidden': 'true' },
      ...neighbours.slice(0, 3).map(tile),
      ours,
      ...neighbours.slice(3).map(tile),
    ),
    h(
      'div',
      { class: 'homefoot' },
      waiting > 0 && !shade
        ? h(
            'button',
            { type: 'button', class: 'pill', 'data-key': 'shade', onclick: touch.shade },
            `${waiting} waiting`,
          )
        : null,
      h(
        'p',
        { class: `running ${running ? 'yes' : 'no'}` },
        running ? 'App is in the background' : 'App is not running',
      ),
    ),
    h('div', { class: 'dock', 'aria-hidden': 'true' }, ...dock.map(tile)),
  )
}

/** The notification centre, pulled down. @param {Phone} phone @param {Set<string>} fresh @param {Touch} touch */
function shadeOf(phone, fresh, touch) {
  const cards = phone.notifications.slice(0, CARDS_SHADE).map((shown) => card(phone, shown, fresh, touch))
  const hidden = phone.notifications.length - cards.length
  return h(
    'div',
    { class: 'shade' },
    ...cards,
    hidden > 0 ? h('p', { class: 'more' }, `and ${hidden} earlier`) : null,
    h('button', { type: 'button', class: 'pill', 'data-key': 'unshade', onclick: touch.shade }, 'Push up'),
  )
}

/** @param {Phone} phone @param {{fresh: Set<string>, touch: Touch}} view */
function app(phone, { fresh, touch }) {
  return h(
    'div',
    { class: 'app' },
    banner(phone, fresh, touch),
    h(
      'div',
      { class: 'appbar' },
      phone.screen && phone.registered
        ? h(
            'button',
            { type: 'button', class: 'backto', 'data-key': 'home', 'aria-label': 'Back', onclick: touch.home },
            icon('back'),
          )
        : null,
      h(
        'p',
        { class: 'apptitle' },
        !phone.registered ? 'Welcome' : phone.screen ? titleOf(phone.screen.name) : 'Your app',
      ),
    ),
    !phone.registered ? signedOut() : phone.screen ? opened(phone.screen) : feed(phone),
  )
}

function signedOut() {
  return h(
    'div',
    { class: 'signedout' },
    icon('lock'),
    h('p', {}, 'Nobody is signed in.'),
    h('p', { class: 'dim' }, 'The server has forgotten this phone, so it stays quiet.'),
  )
}

/** @param {{name: string, params: Record<string, string>}} to */
function opened(to) {
  const rows = Object.entries(to.params).map(([name, value]) =>
    h('div', {}, h('dt', {}, name), h('dd', { title: value }, value)),
  )
  return h(
    'div',
    { class: 'opened' },
    h('p', { class: 'openedwhat' }, 'The tap opened the app here:'),
    h('p', { class: 'route' }, to.name),
    rows.length > 0 ? h('dl', { class: 'params' }, ...rows) : null,
  )
}

/** @param {Phone} phone */
function feed(phone) {
  const row = (/** @type {string} */ width) =>
    h('div', { class: `skeleton ${width}` }, h('span', {}), h('i', {}), h('b', {}))
  return h(
    'div',
    { class: 'feed' },
    h('p', { class: 'signedin' }, 'Signed in as ', h('strong', {}, phone.userName)),
    row('wide'),
    row('mid'),
    row('slim'),
    row('mid'),
  )
}

/** @param {Phone} phone @param {Set<string>} fresh @param {Touch} touch */
function banner(phone, fresh, touch) {
  const shown = phone.notifications.find((other) => other.id === phone.banner)
  return shown ? h('div', { class: 'banner' }, card(phone, shown, fresh, touch)) : null
}

/** @param {Phone} phone @param {Shown} shown @param {Set<string>} fresh @param {Touch} touch */
function card(phone, shown, fresh, touch) {
  const copies =
    shown.copies > 1
      ? h('span', { class: 'copies', title: 'A repeat replaced the one before' }, `×${shown.copies}`)
      : null
  return h(
    'div',
    { class: `card ${fresh.has(shown.id) ? 'fresh' : ''}` },
    h(
      'button',
      {
        type: 'button',
        class: 'tapme',
        'data-key': `tap ${shown.id}`,
        title: 'Tap to open the app',
        onclick: () => touch.tap(shown.id),
      },
      h('span', { class: 'appicon', 'aria-hidden': 'true' }, icon('bell')),
      h(
        'span',
        { class: 'texts' },
        h('span', { class: 'from' }, h('span', {}, 'Your app'), copies, h('time', {}, ago(shown.at))),
        shown.title ? h('strong', { dir: 'auto' }, shown.title) : null,
        shown.subtitle ? h('em', { dir: 'auto' }, shown.subtitle) : null,
        shown.body ? h('span', { class: 'body', dir: 'auto' }, shown.body) : null,
      ),
    ),
    h(
      'button',
      {
        type: 'button',
        class: 'dismiss',
        'data-key': `dismiss ${shown.id}`,
        'aria-label': `Dismiss ${shown.title}`,
        onclick: () => touch.dismiss(shown.id),
      },
      icon('close'),
    ),
  )
}

/** @param {Phone} phone */
function badge(phone) {
  if (phone.badge === 0) return null
  return h('span', { class: 'badge' }, phone.badge > 99 ? '99+' : String(phone.badge))
}

/** post_detail -> Post detail */
function titleOf(/** @type {string} */ name) {
  const words = name.replaceAll(/[_-]+/g, ' ')
  return words.charAt(0).toUpperCase() + words.slice(1)
}

/** Sets every clock below an element. @param {ParentNode} root */
export function setClocks(root) {
  const now = new Date()
  const hours = String(now.getHours()).padStart(2, '0')
  const minutes = String(now.getMinutes()).padStart(2, '0')
  const texts = {
    short: `${hours}:${minutes}`,
    long: `${hours}:${minutes}`,
    stacked: `${hours}\n${minutes}`,
    date: now.toLocaleDateString('en-GB', { weekday: 'long', day: 'numeric', month: 'long' }),
  }
  for (const clock of root.querySelectorAll('[data-clock]'))
    clock.textContent = texts[/** @type {keyof typeof texts} */ (clock.getAttribute('data-clock'))]
}
