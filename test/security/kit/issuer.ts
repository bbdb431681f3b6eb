/** An issuer of tokens on loopback: it signs, publishes its public keys, and counts who asks for them. */
import { generateKeyPairSync, type KeyObject, sign as signBytes } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

export type Algorithm = 'RS256' | 'ES256' | 'EdDSA' | 'PS256'

export interface Key {
  kid: string
  alg: Algorithm
  privateKey: KeyObject
  publicKey: KeyObject
  /** As a key set shows it. */
  jwk: object
}

export interface Issuer {
  origin: string
  /** What the key set holds now. */
  published: object[]
  /** What is answered instead, when set. */
  instead: { status: number; headers?: Record<string, string>; body?: string } | undefined
  /** How often the keys were asked for, and every other path that was. */
  asked: number
  strayed: string[]
  close(): Promise<void>
}

export function newKey(kid: string, alg: Algorithm = 'RS256'): Key {
  const { privateKey, publicKey } = pairFor(alg)
  return { kid, alg, privateKey, publicKey, jwk: { ...publicKey.export({ format: 'jwk' }), kid, alg, use: 'sig' } }
}

function pairFor(alg: Algorithm): { privateKey: KeyObject; publicKey: KeyObject } {
  if (alg === 'ES256') return generateKeyPairSync('ec', { namedCurve: 'P-256' })
  if (alg === 'EdDSA') return generateKeyPairSync('ed25519')
  return generateKeyPairSync('rsa', { modulusLength: 2048 })
}

export const part = (value: unknown): string =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')

/** Of anything, but `alg` is a word. */
export type Header = Record<string, unknown> & { alg?: string }

/** By hand, so that the program's own library is not its judge. */
export function signed(key: Key, claims: object | string, header: Header = {}): string {
  const text = `${part({ alg: key.alg, kid: key.kid, typ: 'JWT', ...header })}.${part(claims)}`
  return `${text}.${signatureOf(key, text, header.alg ?? key.alg).toString('base64url')}`
}

export function signatureOf({ alg, privateKey }: Key, text: string, wanted: string = alg): Buffer {
  const bytes = Buffer.from(text)
  if (alg === 'EdDSA') return signBytes(null, bytes, privateKey)
  if (alg === 'ES256') return signBytes('sha256', bytes, { key: privateKey, dsaEncoding: 'ieee-p1363' })
  // RSASSA-PSS, with a salt as long as the hash.
  if (wanted === 'PS256') return signBytes('sha256', bytes, { key: privateKey, padding: 6, saltLength: 32 })
  return signBytes('sha256', bytes, privateKey)
}

export async function openIssuer(path = '/jwks', keys: Key[] = []): Promise<Issuer> {
  const server = createServer((request, response) => {
    if (request.url !== path) {
      issuer.strayed.push(request.url ?? '')
      return void response.writeHead(404).end()
    }
    issuer.asked++
    const { status, headers, body } = issuer.instead ?? { status: 200 }
    const type = { 'content-type': 'application/json' }
    response.writeHead(status, { ...type, ...headers }).end(body ?? JSON.stringify({ keys: issuer.published }))
  })
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready))
  const issuer: Issuer = {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    published: keys.map((key) => key.jwk),
    instead: undefined,
    asked: 0,
    strayed: [],
    async close() {
      server.closeAllConnections()
      await new Promise((done) => server.close(done))
    },
  }
  return issuer
}
