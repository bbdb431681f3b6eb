/** One phone on the shelf: its owner above, the device, and below it what a person can do to it. */
import { h, icon, phoneName } from './dom.js'
import { screen, setClocks } from './screens.js'

/** @typedef {import('./live.js').Phone} Phone */
/**
 * @typedef {{setState(phone: Phone, state: string): void, tap(phone: Phone, id: string): void, dismiss(phone: Phone, id: string): void,
 *   testPush(phone: Phone): void, register(phone: Phone): void, logOut(phone: Phone): void, switchUser(phone: Phone, name: string): void,
 *   answerWith(phone: Phone, code: string): void, remove(phone: Phone): void}} PhoneActions
 */

const states = /** @type {const} */ ([
  ['open', 'Open'],
  ['background', 'Background'],
  ['closed', 'Closed'],
  ['locked', 'Locked'],
])
/** How long a phone glows after it rang. */
const GLOW_MS = 5000

const answers = [
  ['', 'Expo accepts'],
  ['DeviceNotRegistered', 'App was uninstalled'],
  ['InvalidCredentials', 'Push key is missing'],
  ['MessageRateExceeded', 'Too many to this phone'],
]

/** @param {Phone} first @param {PhoneActions} actions @param {boolean} hasBelfry */
export function phoneView(first, actions, hasBelfry) {
  let phone = first
  let shade = false
  /** @type {Set<string>} */
  let fresh = new Set()
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let glow

  const touch = {
    tap: (/** @type {string} */ id) => actions.tap(phone, id),
    dismiss: (/** @type {string} */ id) => actions.dismiss(phone, id),
    home: () => actions.setState(phone, 'background'),
    shade: () => {
      shade = !shade
      draw()
    },
  }
  const face = h('span', { class: 'face', 'aria-hidden': 'true' })
  const title = h('h2', { id: `name-${first.id}` })
  const user = h('p', { class: 'userid' })
  const device = h('div', { class: `device ${first.platform}` })
  const facts = h('ul', { class: 'facts', 'aria-label': 'What the last notification carried' })
  const note = h('p', { class: 'note' })
  const switches = stateSwitch(first.id, (state) => actions.setState(phone, state))
  const menu = phoneMenu(() => phone, actions, hasBelfry)
  const test = h('button', { type: 'button', class: 'small', onclick: () => actions.testPush(phone) }, 'Test push')
  const element = h(
    'article',
    { class: 'phone', 'aria-labelledby': `name-${first.id}` },
    h('header', { class: 'owner' }, face, h('div', {}, title, user), menu.element),
    h(
      'div',
      { class: 'stand' },
      h('span', { class: 'waves left', 'aria-hidden': 'true' }),
      device,
      h('span', { class: 'waves right', 'aria-hidden': 'true' }),
    ),
    switches.element,
    h('div', { class: 'below' }, facts, test, note),
  )

  function draw() {
    const focused = device.contains(document.activeElement) ? document.activeElement?.getAttribute('data-key') : null
    const next = screen(phone, {
      shade: shade && phone.state !== 'open' && phone.notifications.length > 0,
      fresh,
      touch,
    })
    setClocks(next)
    device.replaceChildren(next)
    if (focused) device.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus()
  }

  /** @param {Phone} next @param {string[]} rang */
  function update(next, rang) {
    if (next.state !== phone.state) shade = false
    phone = next
    fresh = new Set(rang)
    title.textContent = phoneName(phone)
    user.textContent = phone.registered ? `user ${phone.user}` : `user ${phone.user}, not registered`
    face.textContent = initialOf(phone.userName)
    face.setAttribute('class', `face hue${hueOf(phone.user)}`)
    switches.set(phone.state)
    menu.update(phone)
    showFacts(facts, phone)
    note.textContent = phone.problem ?? phone.note ?? ''
    note.classList.toggle('trouble', phone.problem !== null)
    draw()
    if (rang.length > 0) ring()
  }

  function ring() {
    element.classList.remove('ringing')
    void element.offsetWidth
    element.classList.add('ringing')
    clearTimeout(glow)
    // On a narrow page phones stand in a row that scrolls: the one that rings comes into view.
    if (matchMedia('(max-width: 860px)').matches) element.scrollIntoView({ inline: 'center', block: 'nearest' })
    glow = setTimeout(() => element.classList.remove('ringing'), GLOW_MS)
  }

  update(first, [])
  return { element, update }
}

/** @param {string} id @param {(state: string) => void} choose */
function stateSwitch(id, choose) {
  const inputs = states.map(([state]) =>
    h('input', { type: 'radio', name: `state-${id}`, value: state, onchange: () => choose(state) }),
  )
  const labels = states.map(([, text], index) => h('label', {}, inputs[index], h('span', {}, text)))
  return {
    element: h(
      'fieldset',
      { class: 'states' },
      h('legend', { class: 'visually-hidden' }, 'State of the phone'),
      ...labels,
    ),
    set: (/** @type {string} */ state) => {
      for (const input of inputs) input.checked = input.value === state
    },
  }
}

/** @param {() => Phone} current @param {PhoneActions} actions @param {boolean} hasBelfry */
function phoneMenu(current, actions, hasBelfry) {
  const closing = (/** @type {() => void} */ act) => () => {
    element.open = false
    act()
  }
  const name = h('input', {
    type: 'text',
    required: true,
    maxlength: 60,
    placeholder: 'Another name',
    'aria-label': 'Who takes over this phone',
    autocomplete: 'off',
  })
  const change = h(
    'form',
    {
      class: 'inline',
      onsubmit: (/** @type {Event} */ event) => {
        event.preventDefault()
        closing(() => actions.switchUser(current(), name.value))()
        name.value = ''
      },
    },
    name,
    h('button', { type: 'submit', class: 'small' }, 'Switch'),
  )
  const session = h('button', { type: 'button', class: 'item' })
  session.addEventListener(
    'click',
    closing(() => (current().registered ? actions.logOut(current()) : actions.register(current()))),
  )
  const code = h(
    'select',
    { 'aria-label': 'What Expo answers for this phone', onchange: () => actions.answerWith(current(), code.value) },
    ...answers.map(([value, text]) => h('option', { value }, text)),
  )
  const token = h('code', { class: 'token' })
  const element = h(
    'details',
    { class: 'menu' },
    h('summary', { 'aria-label': 'More about this phone' }, icon('dots')),
    h(
      'div',
      { class: 'sheet' },
      hasBelfry ? h('div', { class: 'group' }, h('p', {}, 'Hand the phone to'), change) : null,
      h('div', { class: 'group' }, h('p', {}, 'When a push comes'), code),
      h('div', { class: 'group' }, h('p', {}, 'Its push token'), token),
      hasBelfry ? session : null,
      h(
        'button',
        { type: 'button', class: 'item danger', onclick: closing(() => actions.remove(current())) },
        'Remove phone',
      ),
    ),
  )
  return {
    element,
    update: (/** @type {Phone} */ phone) => {
      session.textContent = phone.registered ? 'Log out' : 'Log in again'
      token.textContent = phone.token
      code.value = phone.answer
    },
  }
}

/** @param {HTMLElement} list @param {Phone} phone */
function showFacts(list, phone) {
  const last = phone.notifications[0]
  if (!last) return list.replaceChildren(h('li', { class: 'dim' }, 'has not rung yet'))
  const sound = last.sound === null ? 'silent' : `sound: ${last.sound}`
  const badge = last.badge === null ? null : `badge: ${last.badge}`
  const channel = phone.platform === 'android' && last.channelId !== null ? `channel: ${last.channelId}` : null
  const facts = [sound, badge, `priority: ${last.priority}`, channel].filter((fact) => fact !== null)
  list.replaceChildren(
    ...facts.map((fact, index) => h('li', { class: index === 0 && last.sound !== null ? 'sound' : '' }, fact)),
  )
}

function initialOf(/** @type {string} */ name) {
  return String.fromCodePoint(name.codePointAt(0) ?? 63).toUpperCase()
}

/** One of six colours, the same for a user every time. */
function hueOf(/** @type {string} */ user) {
  let sum = 7
  for (const letter of user) sum = (sum * 31 + (letter.codePointAt(0) ?? 0)) % 997
  return sum % 6
}
