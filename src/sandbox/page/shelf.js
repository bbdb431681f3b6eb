/** What stands on the shelf beside phones: an invitation when it is empty, and the tokens that no phone here holds. */
import { h } from './dom.js'

/** Long enough to see both phones before the post arrives. */
const BEFORE_POST_MS = 1200

/** @param {ReturnType<typeof import('./actions.js').actionsOn>} actions @param {boolean} standsAlone */
export function emptyShelf(actions, standsAlone) {
  const button = h(
    'button',
    { type: 'button', class: 'primary big' },
    standsAlone ? 'Put two phones on the shelf' : 'Ring two phones',
  )
  button.addEventListener('click', async () => {
    button.disabled = true
    try {
      await actions.addPhone('ios', 'Ana', 'open')
      await actions.addPhone('android', 'Ben', 'locked')
      if (standsAlone) return
      await new Promise((resolve) => setTimeout(resolve, BEFORE_POST_MS))
      await actions.post('Ana', 'Hello from the tower 🔔', 'The first bell of many.')
    } finally {
      button.disabled = false
    }
  })
  const story = standsAlone
    ? 'They come with push tokens. Send to those, from your server or from here, and watch what a person would see.'
    : 'Ana gets an iPhone, Ben an Android. Both register with Belfry, Ana writes a post, and only one of them rings. Guess which.'
  return h(
    'div',
    { class: 'empty' },
    h(
      'div',
      { class: 'sketch', 'aria-hidden': 'true' },
      h('span', { class: 'mini ios' }, h('i', {})),
      h('span', { class: 'swing' }, '🔔'),
      h('span', { class: 'mini android' }, h('i', {})),
    ),
    h('h2', {}, 'It is quiet up here.'),
    h('p', {}, story),
    button,
  )
}

export function strangersBox() {
  const title = h('span', {})
  const list = h('ul', {})
  const element = h('details', { class: 'strangers', hidden: true }, h('summary', {}, title), list)
  return {
    element,
    /** @param {import('./live.js').Strangers} strangers */
    update(strangers) {
      element.hidden = strangers.tokens === 0
      const count = `${strangers.tokens.toLocaleString('en')}${strangers.more ? '+' : ''}`
      const notified =
        strangers.notifications === 1
          ? '1 notification'
          : `${strangers.notifications.toLocaleString('en')} notifications`
      title.textContent = `${count} ${strangers.tokens === 1 ? 'token' : 'tokens'} that no simulated phone holds, ${notified}`
      list.replaceChildren(
        ...strangers.latest.map((seen) =>
          h(
            'li',
            {},
            h('code', {}, seen.token),
            h('span', {}, seen.title || 'no title'),
            h('b', {}, `×${seen.notifications}`),
          ),
        ),
      )
    },
  }
}
