/** Alarms wait for a person: what happened, what it means, and the two answers to it. */
import type { FastifyInstance } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import { z } from 'zod'
import type { Db } from '../../store/database/db.ts'
import { findOpenBreakers } from '../../store/ledger/pace.ts'
import { type Alarm, listAlarms, restoreSuspended } from '../../store/tokens/alarms.ts'
import { confirmFlood, releaseFlood } from '../../store/tokens/flood.ts'
import { Fault } from '../http/faults.ts'
import { missing } from '../http/missing.ts'
import { text, word } from '../http/text.ts'
import type { ApiOptions } from '../options.ts'

const verdict = z.object({
  id: text(1, 16).regex(/^\d{1,15}$/, 'must be the id of an alarm'),
  verb: word(['confirm', 'release']),
})

export async function alarmRoutes(instance: FastifyInstance, options: ApiOptions): Promise<void> {
  const app = instance.withTypeProvider<ZodTypeProvider>()
  const { db } = options.database
  const config = { caller: 'operator' } as const

  app.get('/api/operator/alarms', { config }, async () => {
    const [open, resolved] = [await listAlarms(db, { open: true }), await listAlarms(db, { open: false })]
    const breakers = await findOpenBreakers(db)
    return {
      success: true,
      alarms: open.map(shown),
      resolved: resolved.slice(0, 20).map(shown),
      breakers: breakers.map(({ project, reason, remainingMs }) => {
        return { project, reason, remaining_seconds: Math.ceil(remainingMs / 1_000) }
      }),
    }
  })

  /** A flood is confirmed (they are gone) or released (they stay); suspended tokens are released when the key is mended. */
  app.post('/api/operator/alarms/:id/:verb', { config, schema: { params: verdict } }, async (request) => {
    const { id, verb } = request.params
    const alarm = (await listAlarms(db, { open: true })).find((one) => one.id === Number(id))
    if (alarm === undefined) throw missing('open alarm')
    const devices = await settle(db, alarm, verb)
    return { success: true, id, devices }
  })
}

/** @returns how many devices were retired or came back; null where that is not counted. */
async function settle(db: Db, alarm: Alarm, verb: 'confirm' | 'release'): Promise<number | null> {
  const by = 'operator'
  if (alarm.kind === 'flood') {
    if (verb === 'confirm') return (await confirmFlood(db, alarm.id, by)) ?? null
    await releaseFlood(db, alarm.id, by)
    return null
  }
  if (verb === 'confirm')
    throw new Fault('malformed', { sentence: 'Only a flood can be confirmed; suspended push tokens are released' })
  return restoreSuspended(db, { project: alarm.project, deviceType: alarm.device_type }, by)
}

function shown({ id, ...alarm }: Alarm) {
  return { id: String(id), ...alarm }
}
