/** Nobody gets in: every route declares its caller, and no forged token names one. */
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { FastifyInstance } from 'fastify'
import { exportJWK, exportSPKI, generateKeyPair, type JWTPayload, SignJWT, UnsecuredJWT } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { jwtVerifier } from '../../src/api/callers/jwt.ts'
import { findUser } from '../../src/store/people/users.ts'
import { bearer, jwt, OPERATOR_KEY, openApi, SECRET } from './world.ts'

let world: Awaited<ReturnType<typeof openApi>>
beforeAll(async () => {
  world = await openApi()
})
afterAll(() => world.close())

const soon = () => Math.floor(Date.now() / 1000) + 60
const sign = (claims: JWTPayload, secret = SECRET, alg = 'HS256') =>
  new SignJWT(claims).setProtectedHeader({ alg }).sign(new TextEncoder().encode(secret))
const get = (authorization?: string) =>
  fetch(`${world.url}/api/users/push-token`, authorization === undefined ? {} : { headers: { authorization } })

describe('a bearer token', () => {
  test('names its user, who is written down with their name', async () => {
    expect((await get(await bearer('ana', 'Ana'))).status).toBe(200)
    expect(await findUser(world.database.db, 'ana')).toMatchObject({ id: 'ana', name: 'Ana' })
    expect(
      (await get(`bearer ${await sign({ sub: 'ana', exp: soon(), user_metadata: { full_name: 'Ana B.' } })}`)).status,
    ).toBe(200)
    expect(await findUser(world.database.db, 'ana')).toMatchObject({ name: 'Ana B.' })
    expect((await get(await bearer('ana'))).status).toBe(200)
    expect(await findUser(world.database.db, 'ana')).toMatchObject({ name: 'Ana B.' })
  })

  test('is asked for', async () => {
    for (const header of [undefined, 'Basic abc', 'Bearer', 'Bearer a b']) {
      const response = await get(header)
      expect(response.status).toBe(401)
      expect(response.headers.get('www-authenticate')).toBe('Bearer')
      expect(await response.json()).toMatchObject({ success: false, code: 'unauthenticated' })
    }
  })

  test('that is forged or worn out names nobody', async () => {
    const parts = (await sign({ sub: 'ana', exp: soon() })).split('.') as [string, string, string]
    const none = Buffer.from('{"alg":"None"}').toString('base64url')
    const forged = {
      'not a token': 'abc',
      'alg none': new UnsecuredJWT({ sub: 'ana', exp: soon() }).encode(),
      'alg None': `${none}.${parts[1]}.`,
      'no signature': `${parts[0]}.${parts[1]}.`,
      'another payload': `${parts[0]}.${Buffer.from('{"sub":"eve","exp":9999999999}').toString('base64url')}.${parts[2]}`,
      'another secret': await sign({ sub: 'ana', exp: soon() }, `${SECRET}x`),
      'another algorithm': await sign({ sub: 'ana', exp: soon() }, SECRET, 'HS512'),
      'no exp': await sign({ sub: 'ana' }),
      'no sub': await sign({ exp: soon() }),
      'empty sub': await sign({ sub: '', exp: soon() }),
      'sub of 129': await sign({ sub: 'a'.repeat(129), exp: soon() }),
      'sub with NUL': await sign({ sub: 'a\0', exp: soon() }),
      'sub that is a number': await sign({ sub: 5 as unknown as string, exp: soon() }),
      'not yet': await sign({ sub: 'ana', exp: soon(), nbf: soon() }),
      'exp that is text': await sign({ sub: 'ana', exp: 'never' as unknown as number }),
    }
    const answers = Object.entries(forged).map(async ([what, token]) => {
      const response = await get(`Bearer ${token}`)
      return [what, response.status, ((await response.json()) as { code: string }).code]
    })
    expect(await Promise.all(answers)).toEqual(Object.keys(forged).map((what) => [what, 401, 'token_invalid']))
    const expired = await get(`Bearer ${await sign({ sub: 'ana', exp: soon() - 61 })}`)
    expect(await expired.json()).toMatchObject({ code: 'token_expired' })
  })

  test('comes from the issuer, and for the audience, when those are set', async () => {
    const strict = { ...jwt, issuer: 'https://a.example', audience: ['app'] }
    const verify = jwtVerifier(strict)
    const good = (await bearer('ana', null, strict)).slice(7)
    expect(await verify(good)).toEqual({ id: 'ana', name: null })
    const claims = { sub: 'ana', exp: soon(), iss: 'https://a.example', aud: 'app' }
    await expect(verify(await sign({ ...claims, iss: 'https://b.example' }))).rejects.toThrow('token_invalid')
    await expect(verify(await sign({ ...claims, aud: ['web'] }))).rejects.toThrow('token_invalid')
    await expect(verify(await sign({ sub: 'ana', exp: soon() }))).rejects.toThrow('token_invalid')
  })

  test('may keep the user in another claim', async () => {
    const deep = { ...jwt, userClaim: 'app.user_id' }
    const verify = jwtVerifier(deep)
    expect(await verify((await bearer('ana', 'Ana', deep)).slice(7))).toEqual({ id: 'ana', name: 'Ana' })
    await expect(verify(await sign({ sub: 'ana', exp: soon() }))).rejects.toThrow('token_invalid')
    // As Auth0 asks for claims of one's own.
    const ofAuth0 = { 'https://example.com/user_id': 'ana', sub: 'auth0|1', exp: soon() }
    const named = jwtVerifier({ ...jwt, userClaim: 'https://example.com/user_id' })
    expect(await named(await sign(ofAuth0))).toEqual({ id: 'ana', name: null })
  })
})

describe('the operator', () => {
  test('is not a user', async () => {
    const response = await get(`Bearer ${OPERATOR_KEY}`)
    expect(response.status).toBe(403)
    expect(await response.json()).toMatchObject({ success: false, code: 'forbidden' })
    expect((await get(`Bearer ${OPERATOR_KEY}x`)).status).toBe(401)
  })
})

describe('a route', () => {
  test('that does not declare its caller stops the start', async () => {
    const plugin = async (app: FastifyInstance) => void app.get('/x', () => 'x')
    await expect(openApi({ mounts: [{ prefix: '/mount', plugin }] })).rejects.toThrow(
      'GET /mount/x does not declare who may call it',
    )
  })
})

describe('a key set', () => {
  let keys: Server
  let jwks: { keys: object[] } = { keys: [] }
  let asked = 0
  let isAway = false
  const settings = () => {
    const { port } = keys.address() as AddressInfo
    return { jwksUrl: `http://127.0.0.1:${port}/jwks`, userClaim: 'sub', nameClaims: ['name'] }
  }
  beforeAll(async () => {
    keys = createServer((_request, response) => {
      asked++
      response.writeHead(isAway ? 500 : 200, { 'content-type': 'application/json' }).end(JSON.stringify(jwks))
    })
    await new Promise<void>((ready) => void keys.listen(0, '127.0.0.1', ready))
  })
  afterAll(() => void keys.close())

  test('checks tokens with its public keys, and those keys are no HMAC secrets', async () => {
    const pair = await generateKeyPair('RS256', { extractable: true })
    jwks = { keys: [{ ...(await exportJWK(pair.publicKey)), kid: 'one', use: 'sig', alg: 'RS256' }] }
    const verify = jwtVerifier(settings())
    const claims = { sub: 'ana', name: 'Ana', exp: soon() }
    const token = await new SignJWT(claims).setProtectedHeader({ alg: 'RS256', kid: 'one' }).sign(pair.privateKey)
    expect(await verify(token)).toEqual({ id: 'ana', name: 'Ana' })

    const pem = new TextEncoder().encode(await exportSPKI(pair.publicKey))
    for (const secret of [pem, new TextEncoder().encode(JSON.stringify(jwks.keys[0]))]) {
      const confused = await new SignJWT(claims).setProtectedHeader({ alg: 'HS256', kid: 'one' }).sign(secret)
      await expect(verify(confused)).rejects.toThrow('token_invalid')
    }
    const other = await generateKeyPair('RS256')
    const stranger = await new SignJWT(claims).setProtectedHeader({ alg: 'RS256', kid: 'one' }).sign(other.privateKey)
    await expect(verify(stranger)).rejects.toThrow('token_invalid')
    const own = await exportJWK(other.publicKey)
    const carried = await new SignJWT(claims)
      .setProtectedHeader({ alg: 'RS256', kid: 'two', jwk: own, jku: 'http://127.0.0.1:1/' })
      .sign(other.privateKey)
    await expect(verify(carried)).rejects.toThrow('token_invalid')
  })

  test('is asked once for many tokens, and not again at once for unknown keys', async () => {
    const pair = await generateKeyPair('ES256', { extractable: true })
    jwks = { keys: [{ ...(await exportJWK(pair.publicKey)), kid: 'es' }] }
    const verify = jwtVerifier(settings())
    const token = (kid: string) =>
      new SignJWT({ sub: 'ana', exp: soon() }).setProtectedHeader({ alg: 'ES256', kid }).sign(pair.privateKey)
    asked = 0
    await Promise.all([verify(await token('es')), verify(await token('es')), verify(await token('es'))])
    for (let i = 0; i < 5; i++) await expect(verify(await token('unknown'))).rejects.toThrow('token_invalid')
    expect(asked).toBe(1)
  })

  test('that cannot be fetched is no fault of the token', async () => {
    isAway = true
    const verify = jwtVerifier(settings())
    asked = 0
    const { privateKey } = await generateKeyPair('ES256')
    const token = await new SignJWT({ sub: 'a', exp: soon() }).setProtectedHeader({ alg: 'ES256' }).sign(privateKey)
    for (let i = 0; i < 5; i++) await expect(verify(token)).rejects.toThrow('keys_away')
    expect(asked).toBe(1)
    isAway = false
  })
})

test("a mounted room's routes are guarded as ours are: by this machine, not by who passes through it", async () => {
  const plugin = async (app: FastifyInstance) => {
    app.setErrorHandler(() => ({ mine: true }))
    app.get('/x', { config: { caller: 'sandbox' } }, () => ({ inside: true }))
  }
  const own = await openApi({ mounts: [{ prefix: '/mount', plugin }] })
  const from = async (headers: Record<string, string>) =>
    (await own.api.inject({ url: '/mount/x', headers })).statusCode
  const near = { host: `localhost:${own.port}` }
  const answers = [
    await from(near),
    await from({ ...near, origin: `http://localhost:${own.port}` }),
    await from({ ...near, 'x-forwarded-for': '192.0.2.1' }),
    await from({ ...near, origin: 'http://evil.example' }),
    await from({ host: 'evil.example' }),
    await from({ host: 'evil.example', authorization: `Bearer ${OPERATOR_KEY}` }),
    await from({ host: 'evil.example', authorization: await bearer('ana') }),
  ]
  await own.close()
  expect(answers).toEqual([200, 200, 401, 401, 401, 200, 403])
})
