/** docs/jwt.md: with the settings as they stand there, the tokens of five services get in, and their neighbours' do not. */
import { createHmac } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseEnv } from 'node:util'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { readConfig } from '../../src/config.ts'
import { findUser } from '../../src/store/people/users.ts'
import { openApi } from '../api/world.ts'
import { call } from '../kit/call.ts'
import { type Algorithm, newKey, openIssuer, part, signed } from './kit/issuer.ts'

const guide = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'jwt.md'), 'utf8')
let shared: Awaited<ReturnType<typeof openApi>>
beforeAll(async () => {
  shared = await openApi()
})
afterAll(() => shared.close())

const toClose: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of toClose.splice(0).toReversed()) await close()
})

type Claims = Record<string, unknown>
interface Service {
  heading: string
  alg: Algorithm | 'HS256'
  header: Claims
  /** More than one, as the service keeps them, and with what it puts beside them. */
  more?: (jwk: object) => object
  good: Record<string, { claims: Claims; id: string; name: string | null }>
  /** Signed by the same service, and not for this app. */
  others: Record<string, Claims>
}

const now = Math.floor(Date.now() / 1000)
const times = { iat: now, exp: now + 3_600 }
const pool = 'https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_AbCdEfGhI'
const uuid = '3f0c2c8e-58b1-4a43-9d5f-0d3f0f4c9f11'

const supabase = {
  ...times,
  iss: 'https://abcdefgh.supabase.co/auth/v1',
  sub: uuid,
  aud: 'authenticated',
  role: 'authenticated',
  email: 'ana@example.com',
  phone: '',
  app_metadata: { provider: 'email', providers: ['email'] },
  user_metadata: { full_name: 'Ana Silva', email_verified: true },
  aal: 'aal1',
  amr: [{ method: 'password', timestamp: now }],
  session_id: uuid,
  is_anonymous: false,
}
const supabaseOthers = {
  'the anon key': { iss: 'supabase', ref: 'abcdefgh', role: 'anon', ...times },
  'the service_role key': { iss: 'supabase', ref: 'abcdefgh', role: 'service_role', ...times },
  'another project': { ...supabase, iss: 'https://other.supabase.co/auth/v1' },
}
const auth0 = {
  ...times,
  iss: 'https://example.eu.auth0.com/',
  sub: 'auth0|64f0c0ffee',
  aud: ['https://api.example.com', 'https://example.eu.auth0.com/userinfo'],
  azp: 'AbC123',
  scope: 'openid profile',
}
const clerk = {
  ...times,
  exp: now + 60,
  nbf: now - 10,
  iss: 'https://clerk.example.com',
  sub: 'user_2abcDEF',
  azp: 'https://app.example.com',
  sid: 'sess_2abc',
  sts: 'active',
  v: 2,
  fva: [1, -1],
}
const firebase = {
  ...times,
  iss: 'https://securetoken.google.com/example-project',
  aud: 'example-project',
  auth_time: now,
  user_id: 'kXyZ1234567890abcdefghijklmn',
  sub: 'kXyZ1234567890abcdefghijklmn',
  name: 'Ana Silva',
  email: 'ana@example.com',
  firebase: { identities: { email: ['ana@example.com'] }, sign_in_provider: 'password' },
}
const cognitoAccess = {
  ...times,
  sub: uuid,
  iss: pool,
  client_id: '1example23456789',
  origin_jti: uuid,
  event_id: uuid,
  token_use: 'access',
  scope: 'aws.cognito.signin.user.admin',
  auth_time: now,
  jti: uuid,
  username: 'ana',
  'cognito:groups': ['users'],
}
const { client_id: _, username: __, scope: ___, ...cognitoCommon } = cognitoAccess
const cognitoId = { ...cognitoCommon, aud: '1example23456789', token_use: 'id', 'cognito:username': 'ana' }

const services: Service[] = [
  {
    heading: 'Supabase',
    alg: 'ES256',
    header: { kid: '8f4b2f0a-7a3e-4d1a-9f3e-1c2d3e4f5a6b', typ: 'JWT' },
    more: (jwk) => ({ ...jwk, ext: true, key_ops: ['verify'] }),
    good: { 'a session': { claims: supabase, id: uuid, name: 'Ana Silva' } },
    others: supabaseOthers,
  },
  {
    heading: 'Supabase with the legacy secret',
    alg: 'HS256',
    header: { kid: 'abcDEF123', typ: 'JWT' },
    good: { 'a session': { claims: supabase, id: uuid, name: 'Ana Silva' } },
    others: supabaseOthers,
  },
  {
    heading: 'Auth0',
    alg: 'RS256',
    header: { kid: 'NjVBRjY5MDlCMUIwNzU4RTA2QzZFMDQ4', typ: 'JWT' },
    more: (jwk) => ({ ...jwk, x5t: 'NjVBRjY5MDlCMUIwNzU4RTA2QzZFMDQ4', x5c: ['MIIC+DCCAeCgAwIBAgIJ'] }),
    good: {
      'an access token': { claims: auth0, id: auth0.sub, name: null },
      'of the RFC 9068 profile': { claims: { ...auth0, client_id: 'AbC123', jti: 'x' }, id: auth0.sub, name: null },
    },
    others: {
      'an ID token': { ...auth0, aud: 'AbC123' },
      'another API': { ...auth0, aud: ['https://other.example.com', 'https://example.eu.auth0.com/userinfo'] },
      'an issuer without its slash': { ...auth0, iss: 'https://example.eu.auth0.com' },
    },
  },
  {
    heading: 'Clerk',
    alg: 'RS256',
    header: { kid: 'ins_2abcDEFghi', typ: 'JWT', cat: 'cl_B7d4PD111AAA' },
    good: {
      'a page’s session': { claims: clerk, id: clerk.sub, name: null },
      'an app’s session': { claims: { ...clerk, azp: undefined, name: 'Ana Silva' }, id: clerk.sub, name: 'Ana Silva' },
    },
    others: {
      'another instance': { ...clerk, iss: 'https://clerk.other.com' },
      'one that is not valid yet': { ...clerk, nbf: now + 600, exp: now + 700 },
    },
  },
  {
    heading: 'Firebase',
    alg: 'RS256',
    header: { kid: '7c1d2e3f4a5b6c7d8e9f', typ: 'JWT' },
    good: { 'an ID token': { claims: firebase, id: firebase.sub, name: 'Ana Silva' } },
    others: {
      'a project of somebody else, with the same keys': {
        ...firebase,
        iss: 'https://securetoken.google.com/evil-project',
        aud: 'evil-project',
      },
      'half of that': { ...firebase, aud: 'evil-project' },
      'the other half': { ...firebase, iss: 'https://securetoken.google.com/evil-project' },
    },
  },
  {
    heading: 'Cognito',
    alg: 'RS256',
    header: { kid: 'abcdefghijklmnopqrsexample=', typ: undefined },
    good: { 'an access token': { claims: cognitoAccess, id: uuid, name: 'ana' } },
    others: {
      'another client': { ...cognitoAccess, client_id: 'other' },
      'an ID token': cognitoId,
      'another pool': { ...cognitoAccess, iss: pool.replace('AbC', 'XyZ') },
    },
  },
  {
    heading: 'Cognito with ID tokens',
    alg: 'RS256',
    header: { kid: 'abcdefghijklmnopqrsexample=', typ: undefined },
    good: { 'an ID token': { claims: cognitoId, id: uuid, name: 'ana' } },
    others: { 'another client': { ...cognitoId, aud: 'other' }, 'an access token': cognitoAccess },
  },
]

describe.each(services)('$heading', (service) => {
  test('lets its users in with the settings of docs/jwt.md, and nobody else', async () => {
    const { ask, sign, database } = await openWith(service)
    for (const [what, { claims, id, name }] of Object.entries(service.good)) {
      expect([what, await ask(sign(claims))]).toEqual([what, 200])
      expect([what, await findUser(database.db, id)]).toEqual([what, expect.objectContaining({ id, name })])
    }
    for (const [what, claims] of Object.entries(service.others))
      expect([what, await ask(sign(claims))]).toEqual([what, 401])
    const { claims } = Object.values(service.good)[0]!
    for (const name of ['sub', 'exp', 'iss']) {
      const { [name]: without, ...rest } = claims
      expect([`without ${name}, ${typeof without}`, await ask(sign(rest))]).toEqual([
        `without ${name}, ${typeof without}`,
        401,
      ])
    }
    expect(await ask(sign({ ...claims, exp: now - 1 }))).toBe(401)
  })
})

/** The address of the keys leads to the stand-in; nothing else of the settings is changed. */
async function openWith({ heading, alg, header, more = (jwk) => jwk }: Service) {
  const env = settingsUnder(heading)
  let sign = (claims: Claims) => hs256(claims, header, env.JWT_SECRET ?? '')
  if (alg !== 'HS256') {
    const keys = [newKey(String(header.kid), alg), newKey('the next one', alg)]
    const address = new URL(env.JWKS_URL ?? '')
    const issuer = await openIssuer(address.pathname, keys)
    issuer.published = keys.map((key) => more(key.jwk))
    toClose.push(() => issuer.close())
    env.JWKS_URL = issuer.origin + address.pathname
    sign = (claims) => signed(keys[0]!, claims, header)
  }
  const { settings, secrets } = readConfig(env, import.meta.dirname)
  const world = await openApi({ jwt: { ...settings.jwt, secret: secrets.jwtSecret }, database: shared.database })
  toClose.push(() => world.close())
  const ask = async (token: string) => (await call('GET', `${world.url}/api/users/push-token`, { token })).status
  return { ask, sign, database: world.database }
}

function settingsUnder(heading: string): NodeJS.ProcessEnv {
  const [, under] = guide.split(new RegExp(`^##+ ${heading}$`, 'm'))
  const block = /^```sh\n(.*?)^```$/ms.exec(under ?? '')?.[1]
  if (block === undefined) throw new Error(`docs/jwt.md has no settings under "${heading}"`)
  return parseEnv(block)
}

function hs256(claims: Claims, header: Claims, secret: string): string {
  const text = `${part({ alg: 'HS256', ...header })}.${part(claims)}`
  return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`
}
