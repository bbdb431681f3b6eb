/** R16. The same request twice is one request: of twenty at the same moment with one key, one notification comes. */
import { eachOf } from '../kit/call.ts'
import { BOTH, inWorld, type Test } from './kit/battery.ts'
import { nameOf, tokenOf } from './kit/ground.ts'

export const r16: Test = {
  id: 'R16',
  promise: 'many posts at once with one key make one notification; another body with it is refused',
  kinds: BOTH,
  async run(run) {
    const keys = run.of(10, 40, 200)
    const devices = 50
    return inWorld(run, { devices }, async (world) => {
      await world.start()
      const problems: string[] = []
      let repeats = 0
      await eachOf(
        Array.from({ length: keys }, (_, n) => n),
        2,
        async (n) => {
          const device = (n % devices) + 1
          const send = (title: string) =>
            world.operator<{ notification_id: string }>('POST', '/api/notifications', {
              json: { to: { users: [nameOf(device)] }, title },
              headers: { 'idempotency-key': `key-${n}` },
            })
          const answers = await Promise.all(Array.from({ length: 20 }, () => send('The same')))
          const ids = new Set(answers.map((answer) => answer.body.notification_id))
          const statuses = new Set(answers.map((answer) => answer.status))
          if (ids.size !== 1 || statuses.size !== 1 || !statuses.has(202))
            problems.push(`key ${n}: ${ids.size} notifications, statuses ${[...statuses].join(' ')}`)
          repeats += answers.length - 1
          const other = await send('Another')
          if (other.status !== 422) problems.push(`another body was answered ${other.status}`)
          for (const id of ids) world.accepted.set(id, [tokenOf(device)])
        },
      )
      await world.settled()
      return { faults: repeats, problems, expected: { duplicates: 0 } }
    }).then(({ verdict, ...outcome }) => {
      const made = verdict?.books.notifications.length ?? keys
      return made === keys
        ? outcome
        : { ...outcome, problems: [...outcome.problems, `${keys} keys made ${made} notifications`] }
    })
  },
}
