/** What a broadcast costs as the audience grows: memory, CPU time, and room on the disk. */

import { until } from '../../test/kit/guard.ts'
import { query } from '../../test/kit/postgres.ts'
import { openCluster } from '../contestants/cluster.ts'
import { measure, type Run } from '../contestants/contestant.ts'
import type { Ground, Part } from '../kit/part.ts'
import { type Open, withOpen } from '../kit/rounds.ts'
import { type Aim, atMost, type Group } from '../report/figures.ts'

const TEN_MILLION = 10_000_000
const TEN_MILLION_SECONDS = 150
const LEDGER_BYTES = 40
const RSS_GROWTH = 1.2

export const memory: Part = {
  steps: ({ audiences }) => audiences.length + 1,
  run: (ground) =>
    withOpen(async (open) => {
      const grown = await growing(ground, open)
      const ledger = await weighLedger(ground, open)
      return { groups: [...grown.groups, ledger.group], aims: [...grown.aims, ledger.aim] }
    }),
}

/** A new worker for each audience: what it holds at its highest is of that broadcast alone. */
async function growing({ expo, postgres, blanks, progress, size }: Ground, open: Open) {
  const cluster = await open(openCluster({ expo, blanks, devices: size.audiences[0]! }))
  const runs: Run[] = []
  for (const audience of size.audiences) {
    progress.step(`memory: ${audience.toLocaleString('en')} devices`)
    await cluster.resize(audience)
    await withOpen(async (openWorker) => {
      const worker = await openWorker(cluster.startWorker())
      const contestant = await cluster.contestant('worker', worker.pid)
      runs.push(await measure(contestant, { expo, databasePid: postgres.pid() }))
    })
  }
  const [few, most] = [runs[0]!, runs.at(-1)!]
  const name = (run: Run) => `${run.devices.toLocaleString('en')} devices`
  const aims: Aim[] = [
    atMost(`RSS of a worker, ${name(few)} to ${name(most)}`, most.peakRssMb / few.peakRssMb, RSS_GROWTH, ' x'),
  ]
  if (most.devices === TEN_MILLION) aims.push(atMost('10 million devices', most.seconds, TEN_MILLION_SECONDS, ' s'))
  const rows = (pick: (run: Run) => number) =>
    runs.map((run) => ({ name: name(run), value: pick(run), runs: [pick(run)], ours: true }))
  const groups: Group[] = [
    {
      id: 'memory',
      title: 'Memory of a worker, at its highest',
      unit: 'MB',
      better: 'less',
      rows: rows((run) => run.peakRssMb),
    },
    {
      id: 'cost',
      title: 'CPU time of a broadcast',
      unit: 'CPU seconds a million',
      better: 'less',
      rows: runs.map((run) => ({
        name: name(run),
        value: run.cpuPerMillion,
        runs: [run.cpuPerMillion],
        ours: true,
        also: {
          "the database's": run.databaseCpuPerMillion,
          'notifications a second': run.perSecond,
          seconds: run.seconds,
        },
      })),
      note: 'One run each, by a worker that has just started.',
    },
  ]
  return { groups, aims }
}

/** Receipts are asked for two seconds after the tickets, instead of a quarter of an hour. */
const RECEIPT_DELAY_MS = '2000'

async function weighLedger({ expo, blanks, progress, size }: Ground, open: Open) {
  const devices = size.ledger
  progress.step(`ledger: ${devices.toLocaleString('en')} devices and their receipts`)
  const cluster = await open(openCluster({ expo, blanks, devices, env: { RECEIPT_DELAY_MS } }))
  await open(cluster.startWorker())
  const contestant = await cluster.contestant('worker', 0)
  await expo.reset({ remember: true })
  const { id } = await contestant.post()
  await contestant.finished(id)
  const ask = (sql: string) => query<{ n: number }>(cluster.databaseUrl, sql).then(([row]) => Number(row?.n))
  const settled = async () =>
    (await ask('select coalesce(sum(handed_over), 0) as n from belfry.deliveries')) === devices
  await until('all receipts', settled, { timeoutMs: 300_000, everyMs: 500 })
  const weigh = async () => (await ask(`select pg_total_relation_size('belfry.deliveries') as n`)) / devices
  await query(cluster.databaseUrl, 'vacuum belfry.deliveries')
  const vacuumed = await weigh()
  await query(cluster.databaseUrl, 'alter table belfry.deliveries reset (fillfactor)')
  await query(cluster.databaseUrl, 'vacuum full belfry.deliveries')
  const packed = await weigh()
  await expo.reset({ remember: false })
  const group: Group = {
    id: 'ledger',
    title: 'The ledger on the disk, once receipts are in',
    unit: 'bytes a device',
    better: 'less',
    rows: [
      { name: 'after VACUUM', value: vacuumed, runs: [vacuumed], ours: true },
      { name: 'what is in it', value: packed, runs: [packed], ours: true },
    ],
    note: `One broadcast to ${devices.toLocaleString('en')} devices, indexes included. The next broadcast fills what VACUUM has freed.`,
  }
  return { group, aim: atMost('ledger, after VACUUM', vacuumed, LEDGER_BYTES, ' bytes a device') }
}
