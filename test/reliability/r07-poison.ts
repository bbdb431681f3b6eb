/**
 * R7. A token that spoils its whole request (a malformed message, another project's token) costs nobody else their
 * push: exactly the poison is refused, other projects are sent apart, and few requests are spent on finding out.
 */

import { RESULT } from '../../src/domain/answers/result.ts'
import { BOTH, inTurn, inWorld, type Outcome, type Run, type Test } from './kit/battery.ts'
import { tokenOf } from './kit/ground.ts'

/** Requests that finding one poison among a hundred may take: halving, and the good ones again. */
const EXTRA_A_POISON = 16

export const r07: Test = {
  id: 'R7',
  promise: 'poison tokens are refused alone; tokens of other projects are sent apart',
  kinds: BOTH,
  run: (run) => inTurn(run.of([3], [1, 50], [1, 3, 50]).map((poison) => () => poisoned(run, poison))),
}

async function poisoned(run: Run, count: number): Promise<Outcome> {
  const devices = run.of(2_000, 4_000, 10_000)
  const chosen = run.chance.some(
    Array.from({ length: devices }, (_, n) => tokenOf(n + 1)),
    count * 2,
  )
  const poison = chosen.filter((_, index) => index % 2 === 0)
  const foreign = chosen.filter((_, index) => index % 2 === 1)
  const projects = Object.fromEntries(foreign.map((token, index) => [token, `@other/app-${index % 3}`]))
  return inWorld(run, { devices, fake: { poison, projects } }, async (world) => {
    await world.start()
    const id = await world.mustPost()
    await world.settled()
    const { requests } = await world.expo.report()
    const rang = await world.expo.counts(id)
    const problems: string[] = []
    const silent = Array.from({ length: devices }, (_, n) => tokenOf(n + 1)).filter(
      (token) => rang[token] === undefined,
    )
    if (silent.length !== poison.length || silent.some((token) => !poison.includes(token)))
      problems.push(`${silent.length} devices did not ring, ${poison.length} were poison`)
    const least = Math.ceil(devices / 100)
    const most = least + count * 2 * EXTRA_A_POISON
    if (requests > most) problems.push(`${requests} requests, at most ${most} expected`)
    run.note(`${count} poison, ${foreign.length} foreign: ${requests} requests instead of ${least}`)
    return {
      faults: requests - least,
      problems,
      expected: { refused: new Set(poison) },
      measured: `${requests - least} extra requests for ${count * 2}`,
    }
  }).then(({ verdict, ...outcome }) => {
    const results = verdict?.books.deliveries.flatMap((delivery) => delivery.results ?? []) ?? []
    const refused = results.filter((result) => result === RESULT.refused).length
    return refused === poison.length
      ? outcome
      : { ...outcome, problems: [...outcome.problems, `${refused} refused in the books, ${poison.length} were poison`] }
  })
}
