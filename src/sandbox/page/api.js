/** Calls: to the sandbox's own API, and to Belfry's, as the app on a phone would make them. */

/** @typedef {{method: string, path: string, status: number, ms: number, body: any}} Answer */

/** @param {string} method @param {string} path @param {unknown} [body] */
export async function sandbox(method, path, body) {
  const { status, body: answer } = await ask(`api/${path}`, method, {}, body)
  return { status, body: answer }
}

/**
 * Belfry as one user sees it.
 * @param {{base: string, canMint: boolean, askForToken: (user: string, name: string) => Promise<string|null>, heard: (answer: Answer) => void}} options
 */
export function belfryClient(options) {
  const { base, askForToken, heard } = options

  /** @returns {Promise<string|null>} */
  async function bearer(/** @type {string} */ user, /** @type {string} */ name) {
    const pasted = sessionStorage.getItem(`bearer ${user}`)
    if (pasted) return pasted
    if (options.canMint) {
      const query = new URLSearchParams({ user, name })
      const { status, body } = await sandbox('GET', `token?${query}`)
      if (status === 200) return body.token
    }
    const given = await askForToken(user, name)
    if (given) sessionStorage.setItem(`bearer ${user}`, given)
    return given
  }

  /** @param {{user: string, name: string}} who @param {string} method @param {string} path @param {unknown} [body] @returns {Promise<Answer>} */
  async function call(who, method, path, body) {
    const token = await bearer(who.user, who.name)
    if (token === null)
      return tell({ method, path, status: 0, ms: 0, body: { error: `No bearer token for ${who.name}.` } })
    const answer = await ask(`${base}${path}`, method, { authorization: `Bearer ${token}` }, body)
    if (answer.status === 401) sessionStorage.removeItem(`bearer ${who.user}`)
    return tell({ method, path, ...answer })
  }

  function tell(/** @type {Answer} */ answer) {
    heard(answer)
    return answer
  }

  return {
    /** @param {{user: string, userName: string, token: string, platform: string}} phone */
    register: (phone) =>
      call(owner(phone), 'POST', '/api/users/push-token', { push_token: phone.token, device_type: phone.platform }),
    /** @param {{user: string, userName: string, token: string}} phone */
    logOut: (phone) => call(owner(phone), 'DELETE', '/api/users/push-token', { push_token: phone.token }),
    /** @param {{user: string, userName: string}} phone */
    testPush: (phone) => call(owner(phone), 'POST', `/test-push-notification/${encodeURIComponent(phone.user)}`),
    /** @param {{user: string, name: string}} author @param {{title: string, text: string}} post */
    post: (author, post) =>
      call(author, 'POST', '/api/posts/', { title: post.title, text_content: post.text, content_type: 'note' }),
    /** @param {{user: string, name: string}} sender @param {{receiver: string, type: string, content: string}} message */
    message: (sender, message) =>
      call(sender, 'POST', '/message/send-message', {
        receiver_id: message.receiver,
        message_type: message.type,
        content: message.content,
      }),
  }
}

/** @param {{user: string, userName: string}} phone */
function owner(phone) {
  return { user: phone.user, name: phone.userName }
}

/** Straight to the stand-in's own endpoint, as Expo's push tool does. @param {Record<string, unknown>} message @returns {Promise<Answer>} */
export async function pushStraight(message) {
  const path = '--/api/v2/push/send'
  return { method: 'POST', path: `/${path}`, ...(await ask(path, 'POST', {}, [message])) }
}

/**
 * One call; no answer at all is an answer with status 0.
 * @param {string} url @param {string} method @param {Record<string, string>} headers @param {unknown} [body]
 */
async function ask(url, method, headers, body) {
  const json = body === undefined ? {} : { 'content-type': 'application/json' }
  const began = performance.now()
  try {
    const init = {
      method,
      headers: { ...headers, ...json },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    }
    const response = await fetch(url, init)
    return { status: response.status, ms: Math.round(performance.now() - began), body: await bodyOf(response) }
  } catch {
    return { status: 0, ms: Math.round(performance.now() - began), body: { error: 'The server did not answer.' } }
  }
}

/** @param {Response} response @returns {Promise<any>} */
async function bodyOf(response) {
  const text = await response.text()
  try {
    return JSON.parse(text)
  } catch {
    return { error: text.slice(0, 300) }
  }
}

/** A sentence about an answer that was not a success. @param {Answer} answer */
export function complaint(answer) {
  const said = answer.body?.error ?? answer.body?.errors?.[0]?.message ?? 'no reason given'
  return answer.status === 0 ? String(said) : `Belfry answered ${answer.status}: ${said}`
}
