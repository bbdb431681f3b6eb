/** S4: of 2,000 forged tokens, signed by strangers or by the issuer for something else, none names anybody. */
import { createHmac } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { openApi, SECRET } from '../api/world.ts'
import { call } from '../kit/call.ts'
import { dice } from '../kit/fake-expo/plan.ts'
import { openCanary } from './kit/canary-listener.ts'
import { forgeries, goodClaims, type Target } from './kit/forgeries.ts'
import { newKey, openIssuer, part, signed } from './kit/issuer.ts'

const FORGERIES = 1_000
const SEED = Number(process.env.FORGERY_SEED ?? 20_261_122)
const named = { issuer: 'https://issuer.example/', audience: 'belfry-app' }
const common = { userClaim: 'sub', nameClaims: ['name'], issuer: named.issuer, audience: [named.audience] }

const hs = (alg: string, secret: string, claims: object | string, header: object = {}) => {
  const text = `${part({ alg, typ: 'JWT', ...header })}.${part(claims)}`
  return `${text}.${createHmac(`sha${alg.slice(2)}`, secret)
    .update(text)
    .digest('base64url')}`
}

interface Mode {
  jwt: Parameters<typeof openApi>[0] extends infer O | undefined ? NonNullable<O> : never
  target: Omit<Target, 'canary'>
  close(): Promise<void>
}

/** The right secret, and still not HS256. */
async function hs256(): Promise<Mode> {
  const key = newKey('bystander')
  return {
    jwt: { jwt: { ...common, secret: SECRET } },
    target: {
      ...named,
      publicKey: key.publicKey,
      publicJwk: key.jwk,
      kid: key.kid,
      sign: (claims, header) => hs('HS256', SECRET, claims, header),
      misused: ['HS384', 'HS512'].map((alg) => (claims: object) => hs(alg, SECRET, claims)),
    },
    close: async () => undefined,
  }
}

/** The set also holds what an issuer may keep in it for other purposes: no token of those is for us. */
async function jwks(): Promise<Mode> {
  const [key, forEncryption, pinned] = [newKey('one'), newKey('enc'), newKey('pinned')]
  const shared = 'a secret that somebody put into a public key set by mistake'
  const issuer = await openIssuer('/jwks', [key, pinned])
  issuer.published.push(
    { ...forEncryption.jwk, use: 'enc', alg: 'RSA-OAEP' },
    { kty: 'oct', kid: 'shared', alg: 'HS256', k: part(shared) },
    { kty: 'oct', kid: 'plain', k: part(shared) },
  )
  return {
    jwt: { jwt: { ...common, jwksUrl: `${issuer.origin}/jwks` } },
    target: {
      ...named,
      publicKey: key.publicKey,
      publicJwk: key.jwk,
      kid: key.kid,
      sign: (claims, header) => signed(key, claims, header),
      misused: [
        (claims) => hs('HS256', shared, claims, { kid: 'shared' }),
        (claims) => hs('HS256', shared, claims, { kid: 'plain' }),
        (claims) => signed(forEncryption, claims),
        (claims) => signed(pinned, claims, { alg: 'PS256' }),
      ],
    },
    close: () => issuer.close(),
  }
}

describe.each([
  ['HS256', hs256],
  ['a key set', jwks],
])('S4 with %s', (_, open) => {
  test(`none of ${FORGERIES} forged tokens is believed, and every good one between them is`, async () => {
    const canary = await openCanary()
    const mode = await open()
    const world = await openApi(mode.jwt)
    const target: Target = { ...mode.target, canary: `${canary.url}/keys` }
    const ask = (token: string) => call('GET', `${world.url}/api/users/push-token`, { token })
    const accepted: string[] = []
    const seen = new Map<string, string>()
    try {
      for (const [what, token] of forgeries(target, dice(SEED))) {
        if (seen.has(token)) continue
        seen.set(token, what)
        const { status, body, headers } = await ask(token)
        const said = `${what}: ${status} ${JSON.stringify(body)}`
        if (status !== 401 && status !== 431) accepted.push(said)
        else if (body?.success !== false || (status === 401 && headers['www-authenticate'] !== 'Bearer'))
          accepted.push(`in another shape: ${said}`)
        if (seen.size % 50 === 0) expect((await ask(target.sign(goodClaims(target)))).status).toBe(200)
        if (seen.size === FORGERIES) break
      }
      expect(accepted, `seed ${SEED}`).toEqual([])
      expect(new Set(seen.values()).size).toBeGreaterThan(300)
      const { rows } = await usersOf(world)
      expect(rows).toEqual(['ana'])
      expect(world.lines.filter((line) => /"level":"(error|fatal)"/.test(line))).toEqual([])
      expect(canary.connections).toEqual([])
    } finally {
      await world.close()
      await mode.close()
      await canary.close()
    }
  })
})

/** Nobody that a forgery names was written down. */
async function usersOf({ database }: Awaited<ReturnType<typeof openApi>>): Promise<{ rows: string[] }> {
  const users = await database.db.kysely.selectFrom('users').select('id').execute()
  return { rows: users.map(({ id }) => id) }
}
