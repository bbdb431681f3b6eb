/** Tokens that the issuer itself has signed, and that are not for us. */
import type { Dice } from '../../kit/fake-expo/plan.ts'
import { type Forgery, goodClaims, type Target } from './forgeries.ts'

/** Truly signed: what the issuer says is not what we ask for. */
export function claims(target: Target, sub: string, dice: Dice): Forgery[] {
  const good = goodClaims(target, sub)
  const now = Number(good.iat)
  const { issuer, audience } = target
  const odd: Record<string, unknown[]> = {
    exp: [
      undefined,
      now - 1 - Math.floor(dice.roll() * 1e6),
      0,
      -1,
      String(now + 600),
      null,
      [now + 600],
      {},
      true,
      '',
    ],
    nbf: [now + 60 + Math.floor(dice.roll() * 1e6), String(now - 60), null, [], true],
    iss: [
      undefined,
      'https://evil.example',
      `${issuer}/`,
      issuer.toUpperCase(),
      [issuer],
      null,
      0,
      `${issuer}.evil.example`,
    ],
    aud: [
      undefined,
      'web',
      [],
      [[audience]],
      audience.toUpperCase(),
      `${audience} `,
      audience.slice(1),
      { 0: audience },
      null,
      1,
    ],
    sub: [undefined, '', 5, 0, null, true, [sub], { id: sub }, `${sub}\0`, `${sub}\ud800`, 'x'.repeat(129)],
  }
  return Object.entries(odd).flatMap(([name, values]) =>
    values.map((value): Forgery => {
      const { [name]: _, ...rest } = good
      return [
        `${name} ${String(JSON.stringify(value)).slice(0, 60)}`,
        () => target.sign(value === undefined ? rest : { ...rest, [name]: value }),
      ]
    }),
  )
}

/** Truly signed, with a header that asks for what we do not do, or says that it is something else. */
export function headers(target: Target, sub: string): Forgery[] {
  const body = goodClaims(target, sub)
  const odd: Record<string, unknown>[] = [
    ...[['exp'], ['b64'], ['x'], [], 'exp', [''], [1], null, {}].map((crit) => ({ crit, exp: 1, x: 1 })),
    { b64: false, crit: ['b64'] },
    ...['logout+jwt', 'secevent+jwt', 'dpop+jwt', 'JOSE', 'application/logout+jwt', '', 0, null, {}, ['JWT']].map(
      (typ) => ({ typ }),
    ),
  ]
  const names = odd.map((header) => JSON.stringify(header))
  return odd.map((header, n) => [`header ${names[n]}`, () => target.sign(body, header)])
}
