/** What a person can do, each as the real thing would do it: the app registers, the server posts, Expo pushes. */
import { complaint, pushStraight, sandbox } from './api.js'
import { idOf } from './dom.js'

/** @typedef {import('./live.js').Phone} Phone */

/**
 * @param {ReturnType<typeof import('./api.js').belfryClient> | null} belfry null when the sandbox stands alone
 * @param {() => Phone[]} phones
 * @param {(answer: import('./api.js').Answer) => void} heard
 */
export function actionsOn(belfry, phones, heard) {
  const patch = (/** @type {Phone} */ phone, /** @type {object} */ change) =>
    sandbox('PATCH', `phones/${phone.id}`, change)

  async function register(/** @type {Phone} */ phone) {
    if (!belfry) return patch(phone, { registered: true, problem: null })
    const answer = await belfry.register(phone)
    const fine = answer.status === 200
    return patch(phone, { registered: fine, problem: fine ? null : complaint(answer), note: null })
  }

  async function addPhone(/** @type {string} */ platform, /** @type {string} */ name, state = 'background') {
    const { status, body } = await sandbox('POST', 'phones', {
      platform,
      user: idOf(name),
      userName: name.trim(),
      state,
    })
    if (status !== 201) return heard({ method: 'POST', path: '/sandbox/api/phones', status, ms: 0, body })
    await register(body.phone)
  }

  async function post(/** @type {string} */ author, /** @type {string} */ title, /** @type {string} */ text) {
    const answer = await belfry?.post({ user: idOf(author), name: author.trim() }, { title, text })
    if (answer?.status !== 200) return
    const own = phones().filter((phone) => phone.user === idOf(author))
    await Promise.all(
      own.map((phone) =>
        patch(phone, { note: `Quiet on purpose: ${author.trim()} wrote it, and authors don’t hear their own post.` }),
      ),
    )
  }

  return {
    register,
    addPhone,
    post,
    async message(
      /** @type {string} */ sender,
      /** @type {string} */ receiver,
      /** @type {string} */ type,
      /** @type {string} */ content,
    ) {
      await belfry?.message({ user: idOf(sender), name: sender.trim() }, { receiver: idOf(receiver), type, content })
    },
    async push(/** @type {string} */ token, /** @type {Record<string, unknown>} */ message) {
      heard(await pushStraight({ to: token, ...message }))
    },
    async testPush(/** @type {Phone} */ phone) {
      if (belfry) await belfry.testPush(phone)
      else
        heard(
          await pushStraight({
            to: phone.token,
            title: 'Test Notification',
            body: 'This is a test from the sandbox',
            sound: 'default',
            badge: 1,
          }),
        )
    },
    setState: (/** @type {Phone} */ phone, /** @type {string} */ state) => patch(phone, { state }),
    tap: (/** @type {Phone} */ phone, /** @type {string} */ notification) =>
      sandbox('POST', `phones/${phone.id}/tap`, { notification }),
    dismiss: (/** @type {Phone} */ phone, /** @type {string} */ notification) =>
      sandbox('POST', `phones/${phone.id}/dismiss`, { notification }),
    answerWith: (/** @type {Phone} */ phone, /** @type {string} */ code) =>
      sandbox('PATCH', 'faults', { ticketErrors: { [phone.token]: code || null } }),
    async logOut(/** @type {Phone} */ phone) {
      const answer = await belfry?.logOut(phone)
      await patch(
        phone,
        answer && answer.status !== 200
          ? { problem: complaint(answer) }
          : { registered: false, problem: null, note: null },
      )
    },
    /** The phone changes hands without a log-out; the server has to notice. */
    async switchUser(/** @type {Phone} */ phone, /** @type {string} */ name) {
      const user = { user: idOf(name), userName: name.trim() }
      await patch(phone, user)
      await register({ ...phone, ...user })
    },
    async remove(/** @type {Phone} */ phone) {
      if (phone.registered) await belfry?.logOut(phone)
      await sandbox('DELETE', `phones/${phone.id}`)
    },
  }
}
