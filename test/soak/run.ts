/**
 * `npm run soak -- --minutes 30`: everything at once, for long. Messages at 50 a second and broadcasts, pushes at 300 a
 * second, Expo failing as in R4 at a fifth, a kill every 5 minutes, the database cut every 3. Two processes: a worker is
 * killed, and one that does everything shows what memory does in the long run. At the end: nothing lost, and nothing that grew without bound.
 */
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { openGround } from '../reliability/kit/ground.ts'
import { checkInvariants } from '../reliability/kit/invariants.ts'
import { chance, pause } from '../reliability/kit/seed.ts'
import { openWorld, talk, type World } from '../reliability/kit/world.ts'
import { faults } from '../reliability/r04-expo-fails.ts'

const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '30' }, seed: { type: 'string', default: '1' } },
})
const minutes = Number(values.minutes)
const dice = chance(Number(values.seed))
/** A short run still meets each fault: at least two kills and two cuts. */
const KILL_EVERY_S = Math.min(300, (minutes * 60) / 3)
const CUT_EVERY_S = Math.min(180, (minutes * 60) / 4)
const SAMPLE_EVERY_S = Math.min(30, minutes * 3)
const REQUESTS_A_SECOND = 50
const PUSHES_A_SECOND = 300
const DEVICES = 5_000
/** Memory settles first. */
const WARM_UP_S = Math.min(300, (minutes * 60) / 4)

const aFifth = Object.fromEntries(Object.entries(faults).map(([name, share]) => [name, share / 5]))

/** A slope over less than this is noise; over less than the other, what a warm-up leaves. */
const LEAST_SPAN_S = 200
const JUDGED_SPAN_S = 1_400
const MOST_MB_AN_HOUR = 10

interface Sample {
  second: number
  rssMb: number
  connections: number
  sizes: Record<string, number>
}

const ground = openGround()
const world = await openWorld(ground, {
  kind: 'postgres',
  devices: DEVICES,
  proxied: true,
  env: {
    EXPO_RATE_LIMIT: String(PUSHES_A_SECOND),
    EXPO_TIMEOUT_MS: '2000',
    RECEIPT_DELAY_MS: '20000',
    LOG_LEVEL: 'warn',
  },
  fake: { seed: dice.seed, faults: aFifth, latencyMs: [20, 120] },
})
let code = 1
try {
  code = await soak(world)
} finally {
  await world.close()
  await ground.close()
}
process.exit(code)

async function soak(inWorld: World): Promise<number> {
  const steady = await inWorld.start()
  let victim = await inWorld.start({ role: 'worker' })
  const began = performance.now()
  const seconds = () => (performance.now() - began) / 1_000
  const samples: Sample[] = []
  let [kills, cuts] = [0, 0]
  const talkers = Array.from({ length: 10 }, () =>
    talk(inWorld, 10_000 / REQUESTS_A_SECOND, () => dice.between(1, DEVICES)),
  )
  // Each kind of fault is met at least once while memory settles: what it needs then is no growth.
  let [nextKill, nextCut, nextSample, nextPost] = [KILL_EVERY_S / 2, CUT_EVERY_S / 2, 0, 1]
  while (seconds() < minutes * 60) {
    if (seconds() >= nextPost) {
      await inWorld.post().catch(() => undefined)
      // The messages take 50 of the pushes; a broadcast fills most of the rest.
      nextPost += DEVICES / (PUSHES_A_SECOND * 0.7 - REQUESTS_A_SECOND)
    }
    if (seconds() >= nextCut) {
      cuts += inWorld.proxy!.cut() > 0 ? 1 : 0
      nextCut += CUT_EVERY_S
    }
    if (seconds() >= nextKill) {
      await inWorld.kill(victim)
      kills++
      victim = await inWorld.start({ role: 'worker' })
      nextKill += KILL_EVERY_S
    }
    if (seconds() >= nextSample) {
      samples.push(await sample(inWorld, steady.pid, seconds()))
      tell(samples.at(-1)!, inWorld)
      nextSample += SAMPLE_EVERY_S
    }
    await pause(100)
  }
  const messages = (await Promise.all(talkers.map((one) => one.stop()))).reduce((sum, n) => sum + n, 0)
  console.log(`${seconds().toFixed(0)} s: over; waiting for what is left`)
  await inWorld.settled(600_000)
  return verdict(inWorld, samples, { messages, kills, cuts })
}

async function sample(inWorld: World, pid: number, second: number): Promise<Sample> {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const tables = await inWorld.sql<{ name: string; kb: number }>(`
    select schemaname || '.' || relname as name, (pg_total_relation_size(relid) / 1024)::int as kb
    from pg_stat_user_tables where pg_total_relation_size(relid) > 200000 order by 2 desc limit 6`)
  const [row] = await inWorld.sql<{ n: number }>(
    `select count(*)::int as n from pg_stat_activity where application_name like 'belfry%' and datname = current_database()`,
  )
  return {
    second,
    rssMb: Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1]) / 1_024,
    connections: row?.n ?? 0,
    sizes: Object.fromEntries(tables.map((table) => [table.name, table.kb])),
  }
}

function tell({ second, rssMb, connections, sizes }: Sample, inWorld: World): void {
  const tables = Object.entries(sizes).map(([name, kb]) => `${name} ${(kb / 1_024).toFixed(1)} MB`)
  console.log(
    `${second.toFixed(0).padStart(5)} s  ${inWorld.accepted.size} accepted, RSS ${rssMb.toFixed(0)} MB, ${connections} connections; ${tables.join(', ')}`,
  )
}

async function verdict(
  inWorld: World,
  samples: Sample[],
  met: { messages: number; kills: number; cuts: number },
): Promise<number> {
  // Not the rate: four requests of a hundred are a second and twenty milliseconds apart, which on a busy machine the
  // stand-in itself may be late by. It is told; R10 judges it.
  const { lost, duplicates, bound, problems, report } = await checkInvariants(inWorld, { processes: 2 })
  const { slope, isJudged } = slopeOf(samples.filter((one) => one.second > WARM_UP_S))
  if (isJudged && slope >= MOST_MB_AN_HOUR) problems.push(`memory grows by ${slope.toFixed(1)} MB an hour`)
  const most = Math.max(...samples.map((one) => one.connections))
  const isValid = met.kills > 0 && met.cuts > 0 && report.ambiguous > 0
  console.log(`
The soak, ${minutes} minutes, ${new Date().toISOString().slice(0, 10)}, seed ${dice.seed}, Node ${process.version}:
| notifications | pushes | kills | cuts | ambiguous answers | lost | duplicates / bound | RSS slope after ${WARM_UP_S.toFixed(0)} s | connections at most | most in a second | verdict |
| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |
| ${inWorld.accepted.size} | ${report.accepted} | ${met.kills} | ${met.cuts} | ${report.ambiguous} | ${lost} | ${duplicates} / ${bound} | ${Number.isNaN(slope) ? 'too short to tell' : `${slope.toFixed(1)} MB/h`} | ${most} | ${report.maxPerSecond} | ${problems.length > 0 ? 'RED' : isValid ? 'green' : 'INVALID'} |`)
  for (const problem of problems) console.log(`RED: ${problem}`)
  return problems.length === 0 && isValid ? 0 : 1
}

/** Least squares, in MB an hour; not a number when they are too short a time apart. */
function slopeOf(samples: Sample[]): { slope: number; isJudged: boolean } {
  const span = (samples.at(-1)?.second ?? 0) - (samples[0]?.second ?? 0)
  if (span < LEAST_SPAN_S) return { slope: Number.NaN, isJudged: false }
  const mean = (of: (one: Sample) => number) => samples.reduce((sum, one) => sum + of(one), 0) / samples.length
  const [x, y] = [mean((one) => one.second), mean((one) => one.rssMb)]
  const above = samples.reduce((sum, one) => sum + (one.second - x) * (one.rssMb - y), 0)
  const below = samples.reduce((sum, one) => sum + (one.second - x) ** 2, 0)
  return { slope: (above / below) * 3_600, isJudged: span >= JUDGED_SPAN_S }
}
