/** Where a person makes something happen: a post, a message, a new phone; and what the server said to it. */
import { h } from './dom.js'

/** @typedef {import('./api.js').Answer} Answer */
/**
 * @typedef {{post(author: string, title: string, text: string): Promise<void>, message(sender: string, receiver: string, type: string, content: string): Promise<void>,
 *   push(token: string, message: Record<string, unknown>): Promise<void>, addPhone(platform: string, name: string): Promise<void>}} PanelActions
 */

/** Answers kept on the page. */
const ANSWERS_SHOWN = 6

const messageTypes = [
  ['text', 'Text'],
  ['zoom_link', 'Interview link'],
  ['form_link', 'Test link'],
  ['status_update', 'Status update'],
]
const samples = {
  text: 'Are you coming to the tower tonight?',
  zoom_link: 'https://zoom.example/j/8441',
  form_link: 'https://forms.example/t/12',
  status_update: 'Your application moved to the next round.',
}

/** @param {HTMLElement} root @param {PanelActions} actions @param {boolean} hasBelfry */
export function panel(root, actions, hasBelfry) {
  const people = h('datalist', { id: 'people' })
  const phones = h('select', { required: true })
  const log = h('ol', { class: 'answers' }, h('li', { class: 'dim' }, 'Nothing asked yet.'))
  let answered = 0

  root.replaceChildren(
    people,
    ...(hasBelfry ? [postForm(actions), messageForm(actions)] : [alone(), pushForm(actions, phones)]),
    addForm(actions),
    h(
      'section',
      { class: 'box', 'aria-labelledby': 'said-title' },
      h('h2', { id: 'said-title' }, hasBelfry ? 'What Belfry answered' : 'What the sandbox answered'),
      log,
    ),
  )

  return {
    /** @param {import('./live.js').Phone[]} all */
    known(all) {
      const names = [...new Set(all.map((phone) => phone.userName))]
      people.replaceChildren(...names.map((name) => h('option', { value: name })))
      const before = phones.value
      phones.replaceChildren(
        ...all.map((phone) =>
          h('option', { value: phone.token }, `${phone.userName}, ${phone.platform === 'ios' ? 'iPhone' : 'Android'}`),
        ),
      )
      if (all.some((phone) => phone.token === before)) phones.value = before
    },
    /** @param {Answer} answer */
    heard(answer) {
      if (answered++ === 0) log.replaceChildren()
      log.prepend(answerLine(answer))
      while (log.children.length > ANSWERS_SHOWN) log.lastElementChild?.remove()
    },
  }
}

/** @param {Answer} answer */
function answerLine(answer) {
  const good = answer.status >= 200 && answer.status < 300
  return h(
    'li',
    {},
    h(
      'details',
      {},
      h(
        'summary',
        {},
        h('span', { class: `code ${good ? 'good' : 'bad'}` }, answer.status === 0 ? 'away' : String(answer.status)),
        h('span', { class: 'path' }, `${answer.method} ${answer.path}`),
        h('span', { class: 'ms' }, `${answer.ms} ms`),
      ),
      h('pre', {}, JSON.stringify(answer.body, null, 2)),
    ),
  )
}

/** @param {PanelActions} actions */
function postForm(actions) {
  const author = person('Ana')
  const title = h('input', { type: 'text', required: true, maxlength: 300, value: 'The bells are up' })
  const text = h('textarea', { rows: 2, required: true, value: 'Come and hear them on Sunday.' })
  return form(
    'Create a post',
    'Everybody but its author is told.',
    'Post it',
    () => actions.post(author.value, title.value, text.value),
    field('Author', author),
    field('Title', title),
    field('Text', text),
  )
}

/** @param {PanelActions} actions */
function messageForm(actions) {
  const sender = person('Ana')
  const receiver = person('Ben')
  const content = h('input', { type: 'text', required: true, value: samples.text })
  const type = h(
    'select',
    { onchange: () => (content.value = samples[/** @type {keyof typeof samples} */ (type.value)]) },
    ...messageTypes.map(([value, text]) => h('option', { value }, text)),
  )
  return form(
    'Send a message',
    'Only the receiver is told, on all their phones.',
    'Send it',
    () => actions.message(sender.value, receiver.value, type.value, content.value),
    h('div', { class: 'pair' }, field('From', sender), field('To', receiver)),
    field('Type', type),
    field('Content', content),
  )
}

/** @param {PanelActions} actions @param {HTMLSelectElement} phones */
function pushForm(actions, phones) {
  const title = h('input', { type: 'text', value: 'Hello from the tower' })
  const body = h('input', { type: 'text', value: 'Can you hear it?' })
  const badge = h('input', { type: 'number', min: 0, max: 999, placeholder: 'none' })
  return form(
    'Push straight to a phone',
    'As Expo’s own push tool does, past your server.',
    'Push it',
    () =>
      actions.push(phones.value, {
        title: title.value,
        body: body.value,
        sound: 'default',
        priority: 'high',
        channelId: 'default',
        ...(badge.value === '' ? {} : { badge: Number(badge.value) }),
      }),
    field('Phone', phones),
    field('Title', title),
    h('div', { class: 'pair' }, field('Body', body), field('Badge', badge)),
  )
}

function alone() {
  const url = `${location.origin}/--/api/v2/push/send`
  return h(
    'section',
    { class: 'box' },
    h('h2', {}, 'This sandbox stands alone'),
    h('p', { class: 'dim' }, 'Point your server at it:'),
    h('code', { class: 'token' }, `EXPO_PUSH_URL=${url}`),
  )
}

/** @param {PanelActions} actions */
function addForm(actions) {
  const name = h('input', { type: 'text', required: true, maxlength: 60, placeholder: 'Cleo', autocomplete: 'off' })
  const platform = h(
    'select',
    {},
    h('option', { value: 'ios' }, 'iPhone'),
    h('option', { value: 'android' }, 'Android'),
  )
  return form(
    'Add a phone',
    null,
    'Add it',
    async () => {
      await actions.addPhone(platform.value, name.value)
      name.value = ''
    },
    h('div', { class: 'pair' }, field('Whose', name), field('Kind', platform)),
  )
}

function person(/** @type {string} */ name) {
  return h('input', { type: 'text', required: true, maxlength: 60, list: 'people', autocomplete: 'off', value: name })
}

function field(/** @type {string} */ name, /** @type {HTMLElement} */ input) {
  return h('label', { class: 'field' }, h('span', {}, name), input)
}

/** @param {string} title @param {string|null} hint @param {string} verb @param {() => Promise<void>} act @param {...HTMLElement} fields */
function form(title, hint, verb, act, ...fields) {
  const button = h('button', { type: 'submit', class: title === 'Create a post' ? 'primary' : '' }, verb)
  return h(
    'form',
    {
      class: title === 'Add a phone' ? 'box quietly' : 'box',
      'aria-label': title,
      onsubmit: (/** @type {Event} */ event) => {
        event.preventDefault()
        button.disabled = true
        void act().finally(() => (button.disabled = false))
      },
    },
    h('h2', {}, title),
    hint ? h('p', { class: 'dim' }, hint) : null,
    ...fields,
    button,
  )
}
