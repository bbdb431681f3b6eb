/**
 * R9. The app's Apple key expires: nobody is deleted, an alarm says so, Android rings on, and when the key is mended
 * and a person says so, everybody is back and rings once.
 */
import { inWorld, POSTGRES, type Test } from './kit/battery.ts'
import { tokenOf } from './kit/ground.ts'

export const r09: Test = {
  id: 'R9',
  promise: 'refused credentials of one platform: nothing deleted, an alarm, the other platform unharmed, all come back',
  kinds: POSTGRES,
  async run(run) {
    const devices = run.of(400, 2_000, 20_000)
    const iphones = Array.from({ length: devices / 2 }, (_, n) => tokenOf(2 * (n + 1)))
    const ticketCodes = Object.fromEntries(iphones.map((token) => [token, 'InvalidCredentials']))
    return inWorld(run, { devices, fake: { ticketCodes } }, async (world) => {
      await world.start()
      const problems: string[] = []
      const suspended = async () =>
        Number(
          (
            await world.sql<{ n: string }>(
              `select count(*) as n from belfry.push_tokens where inactive_reason = 'InvalidCredentials'`,
            )
          )[0]!.n,
        )
      const rang = async (id: string) => Object.keys(await world.expo.counts(id))
      const post = async () => {
        const id = await world.mustPost()
        await world.settled()
        return id
      }
      await post()
      const [alone, count] = [await rang(await post()), await suspended()]
      if (count !== devices / 2) problems.push(`${count} suspended, ${devices / 2} iPhones`)
      if (alone.length !== devices / 2) problems.push(`${alone.length} Androids of ${devices / 2} rang meanwhile`)
      const { body } = await world.operator<{ alarms: { id: string; kind: string; device_type: string }[] }>(
        'GET',
        '/api/operator/alarms',
      )
      const [alarm] = body.alarms
      if (body.alarms.length !== 1 || alarm?.kind !== 'credentials' || alarm.device_type !== 'ios')
        problems.push(`the alarms are ${JSON.stringify(body.alarms.map((one) => [one.kind, one.device_type]))}`)
      await world.expo.plan({ ticketCodes: {} })
      await world.operator('POST', `/api/operator/alarms/${alarm?.id}/release`, { json: {} })
      const all = await rang(await post())
      if (all.length !== devices) problems.push(`${all.length} of ${devices} rang after the repair`)
      run.note(`${count} suspended, ${all.length} rang after the repair`)
      return { faults: count, problems, expected: { duplicates: 0 } }
    })
  },
}
