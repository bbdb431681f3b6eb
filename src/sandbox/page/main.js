/** The page: phones on a shelf, a panel beside it, and the wire that keeps both fresh. */
import { actionsOn } from './actions.js'
import { belfryClient } from './api.js'
import { h, phoneName } from './dom.js'
import { listen } from './live.js'
import { panel } from './panel.js'
import { phoneView } from './phone.js'
import { setClocks } from './screens.js'
import { emptyShelf, strangersBox } from './shelf.js'
import { bell } from './sound.js'

/** @typedef {import('./live.js').Phone} Phone */

const byId = (/** @type {string} */ id) => /** @type {any} */ (document.getElementById(id))
const shelf = byId('phones')
const strike = bell(byId('sound'))

/** @type {Map<string, Phone>} */
const phones = new Map()
/** @type {Map<string, ReturnType<typeof phoneView>>} */
const views = new Map()
/** @type {ReturnType<typeof start> | undefined} */
let page

/** @param {import('./live.js').Hello} hello */
function start(hello) {
  const standsAlone = hello.belfry === null
  const belfry = standsAlone
    ? null
    : belfryClient({
        base: hello.belfry ?? '',
        canMint: hello.canMint,
        askForToken,
        heard: (answer) => board.heard(answer),
      })
  const actions = actionsOn(
    belfry,
    () => [...phones.values()],
    (answer) => board.heard(answer),
  )
  const board = panel(byId('panel'), actions, !standsAlone)
  const strangers = strangersBox()
  byId('strangers').replaceChildren(strangers.element)
  return { actions, board, standsAlone, empty: emptyShelf(actions, standsAlone), strangers }
}

listen({
  hello(all) {
    page ??= start(all)
    for (const id of phones.keys()) if (!all.phones.some((phone) => phone.id === id)) forget(id)
    for (const phone of all.phones) show(phone, [])
    page.strangers.update(all.strangers)
    arrange()
  },
  phone(phone, rang) {
    const isNew = !phones.has(phone.id)
    show(phone, rang)
    if (isNew) arrange()
    if (rang.length > 0) announce(phone)
  },
  removed(id) {
    forget(id)
    arrange()
  },
  strangers: (strangers) => page?.strangers.update(strangers),
  connection(alive) {
    byId('away').hidden = alive
    byId('live').textContent = alive ? 'Live' : 'Server away'
    byId('live').classList.toggle('off', !alive)
    document.body.classList.toggle('stale', !alive)
  },
})

/** @param {Phone} phone @param {string[]} rang */
function show(phone, rang) {
  if (!page) return
  phones.set(phone.id, phone)
  const view = views.get(phone.id)
  if (view) view.update(phone, rang)
  else views.set(phone.id, phoneView(phone, page.actions, !page.standsAlone))
}

function forget(/** @type {string} */ id) {
  phones.delete(id)
  views.get(id)?.element.remove()
  views.delete(id)
}

/** Puts every phone where it belongs without touching those that are there already: focus stays. */
function arrange() {
  if (!page) return
  page.board.known([...phones.values()])
  document.body.classList.toggle('bare', phones.size === 0)
  const all = phones.size === 0 ? [page.empty] : [...views.values()].map((view) => view.element)
  for (const child of Array.from(shelf.children)) if (!all.includes(child)) child.remove()
  for (const [index, element] of all.entries())
    if (shelf.children[index] !== element) shelf.insertBefore(element, shelf.children[index] ?? null)
}

/** @param {Phone} phone */
function announce(phone) {
  const shown = phone.notifications[0]
  if (!shown) return
  byId('said').textContent = `${phoneName(phone)} rang: ${shown.title}. ${shown.body}`
  if (shown.sound !== null) strike()
}

/** Asks for a bearer token where the sandbox may not make one. @returns {Promise<string|null>} */
function askForToken(/** @type {string} */ user, /** @type {string} */ name) {
  const dialog = byId('ask')
  const input = h('textarea', { rows: 4, required: true, spellcheck: 'false' })
  return new Promise((resolve) => {
    const close = (/** @type {string|null} */ token) => {
      dialog.close()
      resolve(token)
    }
    dialog.replaceChildren(
      h(
        'form',
        {
          onsubmit: (/** @type {Event} */ event) => {
            event.preventDefault()
            close(input.value.trim() || null)
          },
        },
        h('h2', {}, `A bearer token for ${name}`),
        h(
          'p',
          { class: 'dim' },
          `This server has its own JWT settings, so the sandbox makes no tokens. Paste one whose user is “${user}”; it stays in this tab.`,
        ),
        h('label', { class: 'field' }, h('span', {}, 'Token'), input),
        h(
          'div',
          { class: 'row' },
          h('button', { type: 'submit', class: 'primary' }, 'Use it'),
          h('button', { type: 'button', onclick: () => close(null) }, 'Not now'),
        ),
      ),
    )
    dialog.addEventListener('cancel', () => resolve(null), { once: true })
    dialog.showModal()
  })
}

/** An open menu goes when a person turns to something else. */
function closeMenus(/** @type {Event} */ event) {
  const target = /** @type {Node} */ (event.target)
  const escaped = event instanceof KeyboardEvent && event.key === 'Escape'
  for (const menu of document.querySelectorAll('details.menu[open]')) {
    if (!escaped && (event.type === 'keydown' || menu.contains(target))) continue
    menu.removeAttribute('open')
    if (escaped && menu.contains(document.activeElement)) menu.querySelector('summary')?.focus()
  }
}

document.addEventListener('pointerdown', closeMenus)
document.addEventListener('keydown', closeMenus)
setInterval(() => setClocks(document), 5000)
