/** Bearer tokens that name nobody, the same row for the same seed: forged by strangers, or signed and not for us. */
import { createHmac, type KeyObject, randomBytes } from 'node:crypto'
import type { Dice } from '../../kit/fake-expo/plan.ts'
import { claims, headers } from './forgeries-signed.ts'
import { newKey, part, signatureOf, signed } from './issuer.ts'

/** What a forger knows, and what the issuer itself can be made to sign. */
export interface Target {
  issuer: string
  audience: string
  /** Public, and so known to everybody. */
  publicKey: KeyObject
  publicJwk: object
  kid: string
  canary: string
  /** Signed as good tokens are. */
  sign(claims: object | string, header?: Record<string, unknown>): string
  /** Signed with what the server trusts, though not for this. */
  misused: ((claims: object) => string)[]
}
/** Made only when it is its turn: signing takes longer than asking. */
export type Forgery = [what: string, make: () => string]

const stranger = newKey('stranger', 'RS256')
const strangerEs = newKey('stranger', 'ES256')
const strangerEd = newKey('stranger', 'EdDSA')
const strangers = [stranger, strangerEs, strangerEd]

export const goodClaims = ({ issuer, audience }: Target, sub = 'ana'): Record<string, unknown> => {
  const now = Math.floor(Date.now() / 1000)
  return { sub, iat: now, exp: now + 600, iss: issuer, aud: audience }
}

/** One of each kind, and then at random for ever. */
export function* forgeries(target: Target, dice: Dice): Generator<[what: string, token: string]> {
  const kinds = [unsigned, confused, kids, carried, algorithms, signatures, tampered, claims, headers, shapes, misused]
  for (let n = 0; ; n++) {
    const all = kinds[n % kinds.length]!(target, `victim-${n}`, dice)
    const [what, make] = all[Math.floor(n / kinds.length) % all.length]!
    yield [what, make()]
  }
}

const hmac = (text: string, key: string | Buffer, hash = 'sha256'): string =>
  createHmac(hash, key).update(text).digest('base64url')

function unsigned(target: Target, sub: string): Forgery[] {
  const body = part(goodClaims(target, sub))
  const words: unknown[] = ['none', 'None', 'NONE', 'nOnE', 'none ', '', null, 0, false, ['none'], { alg: 'none' }]
  return words.flatMap((alg): Forgery[] => {
    const head = part({ alg, typ: 'JWT' })
    const what = `alg ${JSON.stringify(alg)}`
    return [
      [what, () => `${head}.${body}.`],
      [`${what}, some signature`, () => `${head}.${body}.${part('signature')}`],
      [`${what}, empty HMAC`, () => `${head}.${body}.${hmac(`${head}.${body}`, '')}`],
    ]
  })
}

/** The public key, in every form in which somebody might have it, as the secret of an HMAC. */
function confused(target: Target, sub: string): Forgery[] {
  const spki = { type: 'spki' } as const
  const pem = String(target.publicKey.export({ ...spki, format: 'pem' }))
  const der = target.publicKey.export({ ...spki, format: 'der' })
  const known = target.publicJwk as Record<string, string>
  const keys: [string, string | Buffer][] = [
    ['PEM', pem],
    ['PEM without end', pem.trim()],
    ['PEM with CRLF', pem.replaceAll('\n', '\r\n')],
    ['DER', der],
    ['DER in base64', der.toString('base64')],
    ['JWK', JSON.stringify(target.publicJwk)],
    ['key set', JSON.stringify({ keys: [target.publicJwk] })],
    ['modulus', Buffer.from(known.n ?? known.x ?? '', 'base64url')],
    ['modulus as text', known.n ?? known.x ?? ''],
    ['issuer', target.issuer],
    ['kid', target.kid],
    ['word', 'secret'],
    ['nothing', ''],
    ['undefined', 'undefined'],
  ]
  return keys.flatMap(([what, key]) =>
    [256, 384, 512].map((bits): Forgery => {
      const text = `${part({ alg: `HS${bits}`, typ: 'JWT', kid: target.kid })}.${part(goodClaims(target, sub))}`
      return [`HS${bits} with ${what}`, () => `${text}.${hmac(text, key, `sha${bits}`)}`]
    }),
  )
}

function kids(target: Target, sub: string): Forgery[] {
  const odd: unknown[] = [
    '../../../../../../dev/null',
    '/etc/passwd',
    'file:///dev/null',
    target.canary,
    "' union select 'secret' --",
    '0',
    0,
    null,
    {},
    [target.kid],
    '__proto__',
    'constructor',
    `${target.kid}\0`,
    target.kid.toUpperCase(),
    ` ${target.kid}`,
    'k'.repeat(2_000),
    target.kid,
  ]
  return odd.flatMap((kid): Forgery[] => {
    const text = `${part({ alg: 'HS256', typ: 'JWT', kid })}.${part(goodClaims(target, sub))}`
    const what = `kid ${String(JSON.stringify(kid)).slice(0, 40)}`
    return [
      [`${what}, empty key`, () => `${text}.${hmac(text, '')}`],
      [`${what}, a NUL as key`, () => `${text}.${hmac(text, '\0')}`],
      ...strangers.map((key): Forgery => [`${what}, ${key.alg}`, () => signed(key, goodClaims(target, sub), { kid })]),
    ]
  })
}

/** The forger's own key, brought along or pointed at. */
function carried(target: Target, sub: string): Forgery[] {
  const { canary, kid } = target
  return strangers.flatMap((key) => {
    const { jwk } = key
    const oct = { kty: 'oct', k: part('secret'), kid, alg: 'HS256' }
    const ways: Record<string, unknown>[] = [
      { jwk },
      { jwk: { ...jwk, kid } },
      { jku: canary },
      { jku: `${target.issuer}@${canary}` },
      { x5u: canary },
      { x5c: [Buffer.from(key.publicKey.export({ type: 'spki', format: 'der' })).toString('base64')] },
      { jku: canary, x5u: canary, jwk, url: canary, key_url: canary },
      { jwk: oct },
      { epk: jwk },
      { iss: canary, jwks_uri: canary },
    ]
    return ways.flatMap((way): Forgery[] => [
      [`${key.alg} with ${Object.keys(way).join()}`, () => signed(key, goodClaims(target, sub), { kid, ...way })],
      [
        `${key.alg} with ${Object.keys(way).join()}, no kid`,
        () => signed(key, goodClaims(target, sub), { kid: undefined, ...way, typ: undefined }),
      ],
    ])
  })
}

function algorithms(target: Target, sub: string): Forgery[] {
  const words = ['HS384', 'HS512', 'hs256', 'rs256', 'RS256 ', 'RS1', 'ES256K', 'dir', 'A128KW', 'EdDSA', 'PS256', 'XX']
  const body = goodClaims(target, sub)
  return words.flatMap((alg): Forgery[] => {
    const text = `${part({ alg, kid: target.kid, typ: 'JWT' })}.${part(body)}`
    return [
      [`${alg} over a good signature`, () => `${text}.${target.sign(body).split('.')[2]}`],
      [`${alg} by a stranger`, () => `${text}.${signatureOf(stranger, text, alg).toString('base64url')}`],
    ]
  })
}

function signatures(target: Target, sub: string, dice: Dice): Forgery[] {
  const token = target.sign(goodClaims(target, sub))
  const [head = '', body = '', signature = ''] = token.split('.')
  const bytes = Buffer.from(signature, 'base64url')
  const flipped = Buffer.from(bytes)
  const at = Math.floor(dice.roll() * bytes.length)
  flipped[at] = flipped[at]! ^ (1 << Math.floor(dice.roll() * 8))
  const odd: [string, string | Buffer][] = [
    ['none', ''],
    ['flipped', flipped],
    ['cut', bytes.subarray(0, Math.floor(dice.roll() * bytes.length))],
    ['longer', Buffer.concat([bytes, bytes])],
    ['reversed', Buffer.from(bytes).reverse()],
    ['zeroes', Buffer.alloc(bytes.length)],
    ['64 zeroes', Buffer.alloc(64)],
    ['DER of 0 and 0', Buffer.from('3006020100020100', 'hex')],
    ['ones', Buffer.alloc(bytes.length, 255)],
    ['of the body alone', hmac(body, '')],
    ['somebody else’s', randomBytes(bytes.length)],
    ['not base64', '%%%'],
  ]
  return odd.map(([what, one]) => [
    `signature ${what}`,
    () => `${head}.${body}.${typeof one === 'string' ? one : one.toString('base64url')}`,
  ])
}

/** A good signature over something else. */
function tampered(target: Target, sub: string): Forgery[] {
  const mine = goodClaims(target)
  const [head = '', body = '', signature = ''] = target.sign(mine).split('.')
  const text = JSON.stringify(mine)
  const bodies = [
    JSON.stringify({ ...mine, sub }),
    text.replace('{', `{"sub":"${sub}",`),
    text.replace(/\}$/, `,"sub":"${sub}"}`),
    text.replace(/\}$/, `,"su\\u0062":"${sub}"}`),
    text.replace('"sub"', `"__proto__":{"sub":"${sub}"},"sub"`),
    text.replace(/"exp":\d+/, `"exp":99999999999,"n":"${sub}"`),
    `${text} `,
    `\ufeff${text}`,
  ]
  const heads = ['{"alg":"none","alg":"HS256"}', '{"alg":"HS256","alg":"none"}', '{"kid":"x"}', '{}', '[]', 'null', '1']
  return [
    ...bodies.map((one, n): Forgery => [`another body, ${n}`, () => `${head}.${part(one)}.${signature}`]),
    ...heads.map((one): Forgery => [`another header, ${one}`, () => `${part(one)}.${body}.${signature}`]),
    ...heads.map((one): Forgery => [`both, ${one}`, () => `${part(one)}.${part(bodies[0])}.${signature}`]),
  ]
}

function shapes(target: Target, sub: string): Forgery[] {
  const token = target.sign(goodClaims(target, sub))
  const [head = '', body = '', signature = ''] = token.split('.')
  const all = [
    `${head}.${body}`,
    `${head}`,
    `${token}.${signature}`,
    `${token}.`,
    `.${token}`,
    `${head}..${signature}`,
    `.${body}.${signature}`,
    `..${sub}`,
    `${head}.${body}=.${signature}`,
    `${head}.${part('not json')}.${signature}`,
    `${head}.${part(sub)}.${signature}`,
    `${part({ alg: 'dir', enc: 'A256GCM' })}..${part('iv')}.${body}.${part('tag')}`,
    `${part({ alg: 'RSA-OAEP', enc: 'A256GCM', kid: target.kid })}.${part(sub)}.${part('iv')}.${body}.${part('tag')}`,
    JSON.stringify({ payload: body, protected: head, signature }).replaceAll(' ', ''),
    JSON.stringify({ payload: body, signatures: [{ protected: head, signature }] }),
    Buffer.from(token).toString('base64url'),
    token.replaceAll('.', '%2e'),
    `${head}.${part({ ...goodClaims(target, sub), pad: 'x'.repeat(9_000) })}.${signature}`,
    `${head}.${part('['.repeat(7_000))}.${signature}`,
    'x'.repeat(11_000 + sub.length),
    '.'.repeat(8_000 + sub.length),
  ]
  return all.map((one, n) => [`shape ${n}`, () => one])
}

function misused(target: Target, sub: string): Forgery[] {
  return target.misused.map((make, n) => [`misused ${n}`, () => make(goodClaims(target, sub))])
}
