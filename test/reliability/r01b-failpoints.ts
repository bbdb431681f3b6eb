/**
 * R1b. Killed at each of its failpoints, the program loses nothing; and where no request can have been under way, not
 * one device rings twice. A POST repeated with its Idempotency-Key adds nothing.
 */
import { BOTH, inWorld, type Outcome, type Run, type Test, together } from './kit/battery.ts'
import { tokenOf } from './kit/ground.ts'
import type { World } from './kit/world.ts'

/** Whether a kill there may cost a duplicate of the one request that there is. */
const failpoints: Record<string, boolean> = {
  after_commit_before_answer: false,
  mid_fan_out: false,
  after_claim: false,
  after_intent: false,
  request_written: true,
  after_answer: true,
  before_save: true,
  before_retire: true,
  after_save: false,
  after_receipts: false,
  in_shutdown: true,
  mid_migration: false,
}
/** One request, so that nothing else is under way when the process dies. */
const DEVICES = 60
const KEY = 'the-one-key'
/** On a busy machine a start alone takes ten seconds. */
const DIES_WITHIN_MS = 40_000

export const r01b: Test = {
  id: 'R1b',
  promise: 'killed at each failpoint, nothing is lost, and nothing is sent twice where nothing was under way',
  kinds: BOTH,
  run(run) {
    const names = Object.keys(failpoints).filter((name) => run.size !== 'small' || name === 'mid_fan_out')
    const rounds = run.of(1, 1, 5)
    const works = names.flatMap((name) => Array.from({ length: rounds }, () => () => dieAt(run, name)))
    // On PostgreSQL most of it is waiting for the dead one's heartbeat.
    return together(run.kind === 'postgres' ? 4 : 2, works)
  },
}

async function dieAt(run: Run, name: string): Promise<Outcome> {
  const dead = new Set(run.chance.some([3, 5, 8, 13, 21], 2).map(tokenOf))
  const ticketCodes = Object.fromEntries([...dead].map((token) => [token, 'DeviceNotRegistered']))
  const env = { EXPO_MAX_CONCURRENT_REQUESTS: '1', RECEIPT_DELAY_MS: '200', DATABASE_SCHEMA: 'belfry' }
  const wish = { devices: DEVICES, env, fake: { ticketCodes, latencyMs: 30 } }
  const outcome = await inWorld(run, wish, async (world) => {
    const met = name === 'mid_migration' ? await dieInMigration(world) : await dieAfterPost(world, name)
    await world.settled()
    const posts = world.accepted.size
    run.note(`${name}: ${met > 0 ? 'met' : 'NOT met'}`)
    return {
      faults: met,
      ...(posts === 1 ? {} : { problems: [`one key made ${posts} notifications`] }),
      expected: { retired: dead, duplicates: failpoints[name] ? DEVICES : 0 },
    }
  })
  return {
    ...outcome,
    problems: outcome.problems.map((problem) => `${name}: ${problem}`),
    ...(outcome.faults === 0 ? { measured: `${name} not met` } : {}),
  }
}

async function dieAfterPost(world: World, name: string): Promise<number> {
  const first = await world.start({ failpoint: `${name}:1:kill` })
  world.kills++
  const answered = await world.post(KEY).catch(() => undefined)
  if (name === 'in_shutdown') first.signal('SIGTERM')
  const waited = new Promise((done) => setTimeout(done, DIES_WITHIN_MS))
  await Promise.race([first.exited, waited])
  if (first.isRunning()) await first.kill9()
  await world.start()
  for (let more = 0; more < 2; more++) {
    const again = await world.post(KEY)
    if (again.status !== 200) throw new Error(`the repeated POST answered ${again.status}: ${again.text}`)
    if (answered?.status === 200 && again.body.notification_id !== answered.body.notification_id)
      throw new Error('the same key was answered with another notification')
  }
  return first.met()
}

/** A first start that dies half way through the migrations, in a database of its own without a crowd. */
async function dieInMigration(world: World): Promise<number> {
  if (world.databaseUrl !== undefined) await world.sql('drop schema belfry cascade')
  const env = world.databaseUrl === undefined ? { DATABASE_SCHEMA: 'other' } : {}
  const first = await world.start({ failpoint: 'mid_migration:1:kill', waitFor: 'spawned', env })
  const waited = new Promise((done) => setTimeout(done, DIES_WITHIN_MS))
  await Promise.race([first.exited, waited])
  if (first.isRunning()) await first.kill9()
  const second = await world.start({ env })
  await second.stop()
  if (world.databaseUrl === undefined) {
    await world.start()
    await world.mustPost()
    return first.met()
  }
  world.devices = 0
  await world.start()
  await world.mustPost()
  return first.met()
}
