/** Belfry from a Node backend, 18 or newer: nothing to install. */
const { BELFRY_URL = 'http://127.0.0.1:8787', BELFRY_KEY } = process.env

/** @param options `key`: the same key again does nothing again. `user`: on behalf of whom. */
export async function belfry(path, body, { key, user, method = 'POST' } = {}) {
  const headers = { Authorization: `Bearer ${BELFRY_KEY}`, 'Content-Type': 'application/json' }
  if (key !== undefined) headers['Idempotency-Key'] = key
  if (user !== undefined) headers['Belfry-User'] = encodeURIComponent(user)
  const signal = AbortSignal.timeout(10_000)
  const response = await fetch(BELFRY_URL + path, { method, headers, body: JSON.stringify(body), signal })
  const answer = await response.json()
  if (!response.ok) throw new Error(`${answer.error}. ${answer.hint ?? ''}`)
  return answer
}
