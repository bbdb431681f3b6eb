/**
 * What a careful user would write: a durable job for each device, six senders that take a hundred at a time, the
 * official SDK, and the tickets saved before the jobs are done.
 */
import { Expo } from 'expo-server-sdk'
import pg from 'pg'
import { PgBoss } from 'pg-boss'
import { serve, words } from './child.ts'

const SENDERS = 6
const INSERTED_AT_ONCE = 1_000

const connectionString = process.env.DATABASE_URL ?? ''
const expo = new Expo({ maxConcurrentRequests: SENDERS })
const pool = new pg.Pool({ connectionString })
const boss = new PgBoss({ connectionString })
boss.on('error', (error) => console.error(error.message))
await boss.start()
await boss.createQueue('push')
await pool.query('create table tickets (push_token text not null, ticket json not null)')

interface Push {
  to: string
}

async function enqueue(tokens: string[]): Promise<void> {
  for (let at = 0; at < tokens.length; at += INSERTED_AT_ONCE)
    await boss.insert(
      'push',
      tokens.slice(at, at + INSERTED_AT_ONCE).map((to) => ({ data: { to } })),
    )
}

async function sendAll(): Promise<void> {
  for (;;) {
    const jobs = await boss.fetch<Push>('push', { batchSize: 100 })
    if (jobs.length === 0) return
    const tickets = await expo.sendPushNotificationsAsync(jobs.map(({ data }) => ({ to: data.to, ...words })))
    await pool.query('insert into tickets select * from unnest($1::text[], $2::json[])', [
      jobs.map(({ data }) => data.to),
      tickets.map((ticket) => JSON.stringify(ticket)),
    ])
    await boss.complete(
      'push',
      jobs.map(({ id }) => id),
    )
  }
}

serve(
  (tokens) => tokens,
  async (tokens) => {
    await enqueue(tokens)
    await Promise.all(Array.from({ length: SENDERS }, sendAll))
  },
)
