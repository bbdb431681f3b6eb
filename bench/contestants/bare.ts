/**
 * The limit: six connections that make bodies, post them and read the answers, as anybody must who sends. Nothing is
 * looked at or saved; nobody knows who was reached.
 */
import { Pool } from 'undici'
import { serve, words } from './child.ts'

const CONNECTIONS = 6
const headers = { 'content-type': 'application/json', accept: 'application/json' }
let pool: Pool | undefined

serve(
  (tokens) => tokens,
  async (tokens, { sendUrl }) => {
    const { origin, pathname: path } = new URL(sendUrl)
    const open = (pool ??= new Pool(origin, { connections: CONNECTIONS }))
    let next = 0
    const connection = async () => {
      while (next < tokens.length) {
        const to = tokens.slice(next, (next += 100))
        const answer = await open.request({ method: 'POST', path, headers, body: JSON.stringify([{ to, ...words }]) })
        await answer.body.text()
      }
    }
    await Promise.all(Array.from({ length: CONNECTIONS }, connection))
  },
)
