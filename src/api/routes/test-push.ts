/** The test push: sent like any other notification, and answered when Expo has, or after ten seconds. */
import { randomUUIDv7 } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { ruleFor } from '../../domain/answers/verdict.ts'
import { hasEnded, type SkipReason } from '../../domain/notification.ts'
import { maskPushToken, maskPushTokensIn } from '../../domain/push-token.ts'
import { testText } from '../../domain/texts/texts.ts'
import type { Db } from '../../store/database/db.ts'
import { type DeviceOutcome, devicesOf } from '../../store/ledger/ledger.ts'
import { insertNotification, notificationState } from '../../store/notifications/notifications.ts'
import { audit } from '../../store/operator/audit.ts'
import { listPushTokens, type PushTokenRow } from '../../store/tokens/push-tokens.ts'
import { actorOf } from '../callers/actor.ts'
import { bodyOf, Fault, type FaultBody, type FaultCode, type FaultDetails, statusOf } from '../http/faults.ts'
import { id } from '../http/text.ts'
import { soundedLikeTheDocuments } from '../notify.ts'
import type { ApiOptions } from '../options.ts'

/** Whoever waits for the answer has no use for a test that rings later. */
const TTL_SECONDS = 60
const LONGEST_WAIT_MS = 10_000
const LOOK_EVERY_MS = 50

export async function testPushRoutes(instance: FastifyInstance, options: ApiOptions): Promise<void> {
  const app = instance.withTypeProvider<ZodTypeProvider>()
  const { db } = options.database
  ignoreBodies(app)
  const config = { caller: options.openTestPush ? 'anybody' : 'user or server send or operator' }

  app.post(
    '/test-push-notification/:user_id',
    { config, schema: { params: z.object({ user_id: id() }) } },
    async (request, reply) => {
      const userId = request.params.user_id
      if (!options.openTestPush) onlyToOneself(request, userId)
      const devices = (await listPushTokens(db, userId)).filter(isMeant)
      if (devices.length === 0) {
        options.emit('user.without_token', { userId, notificationId: '' })
        throw new Fault('no_push_token', { values: { user_id: userId } })
      }
      const notificationId = randomUUIDv7()
      await db.transaction(async (tx) => {
        await insertNotification(tx, {
          id: notificationId,
          kind: 'test',
          lane: 'direct',
          audience: { users: [userId] },
          content: {
            ...testText(options.texts),
            data: { notification_id: notificationId },
            options: soundedLikeTheDocuments,
          },
          createdBy: request.user?.id ?? null,
          trace: request.trace,
          ttlSeconds: TTL_SECONDS,
        })
        if (request.user === null)
          await audit(tx, { actor: actorOf(request), action: 'notification.test', subject: `user:${userId}` })
      })
      const end = await waitForTickets(db, notificationId, devices)
      const answer = answerOf(end, options.expoPlace ?? 'Expo')
      reply.code(answer.fault === undefined ? 200 : statusOf(answer.fault.code))
      return {
        ...answer.fault,
        success: answer.fault === undefined,
        sent: answer.sent,
        mode: options.mode,
        devices: end.outcomes.map(shown),
        notification_id: notificationId,
      }
    },
  )
}

/** A suspended device is none to open the app for: what is wrong is said. */
function isMeant({ active, inactive_reason }: PushTokenRow): boolean {
  return active || inactive_reason === 'InvalidCredentials'
}

/** The document's curl sends none, but client libraries send `{}`, `null` or an empty form. */
function ignoreBodies(app: FastifyInstance): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, _body, done) => done(null, undefined))
}

function onlyToOneself(request: FastifyRequest, userId: string): void {
  if (request.isOperator || (request.byServer !== null && request.user === null)) return
  if (request.user?.id === userId) return
  throw new Fault('not_found', {
    hint: 'Users can send a test push to themselves only; the operator, and keys with the scope send, to everybody.',
  })
}

interface End {
  outcomes: DeviceOutcome[]
  skipped: SkipReason | null
  postponed: string | null
}

async function waitForTickets(db: Db, notificationId: string, devices: PushTokenRow[]): Promise<End> {
  const until = performance.now() + LONGEST_WAIT_MS
  for (;;) {
    const state = await notificationState(db, notificationId)
    const known = await devicesOf(db, notificationId)
    const end = {
      outcomes: withMissing(known, devices, state?.skipReason === 'disabled'),
      skipped: state?.skipReason ?? null,
      postponed: state?.postponed ?? null,
    }
    const isOver = state !== undefined && hasEnded(state.state)
    const isSettled = known.length > 0 && end.outcomes.every(({ status }) => status !== 'pending')
    if (isOver || isSettled || end.postponed !== null || performance.now() > until) return end
    await wait(LOOK_EVERY_MS)
  }
}

/** Devices of which the ledger does not know yet are waited for, too; with pushes off it never will. */
function withMissing(known: DeviceOutcome[], devices: PushTokenRow[], isOff: boolean): DeviceOutcome[] {
  const status = isOff ? 'skipped' : 'pending'
  const missing = devices.filter(({ token }) => !known.some((outcome) => outcome.push_token === token))
  return [
    ...known,
    ...missing.map(({ token, device_type }): DeviceOutcome => {
      return { push_token: token, device_type, status, code: null, message: null }
    }),
  ]
}

/** What Expo took, whatever became of it afterwards. */
const sentStatuses = new Set<DeviceOutcome['status']>(['accepted', 'handed_over', 'failed', 'no_receipt'])

function answerOf({ outcomes, skipped, postponed }: End, expo: string): { sent: number; fault?: FaultBody } {
  const sent = outcomes.filter(({ status }) => sentStatuses.has(status)).length
  const fault = (code: FaultCode, details?: FaultDetails) => ({ sent, fault: bodyOf(code, details) })
  if (skipped === 'disabled') return fault('pushes_off')
  if (skipped === 'credentials') return fault('credentials')
  if (outcomes.every(({ status }) => status !== 'pending')) return sent > 0 ? { sent } : fault('refused')
  if (postponed !== null) return fault('postponed', { values: { reason: maskPushTokensIn(postponed), expo } })
  return fault('expo_slow', { values: { expo } })
}

function shown({ push_token, device_type, status, code, message }: DeviceOutcome) {
  const error = [code, message].filter((part) => part !== null && part !== '').join(': ')
  return {
    push_token: maskPushToken(push_token),
    device_type,
    status,
    ...(error !== '' && { error: maskPushTokensIn(error) }),
    ...(status === 'refused' && { hint: ruleFor(code).hint }),
  }
}
