/** A broadcast as fast as it goes: no pace, and an Expo that answers at once. */
import { openBelfry } from '../contestants/belfry.ts'
import { openChild } from '../contestants/contestant.ts'
import type { Ground, Part } from '../kit/part.ts'
import { type Entry, marked, type Open, takeTurns, turnsOf, withOpen } from '../kit/rounds.ts'
import { type Aim, atLeast, type Group, type Outcome, rowNamed } from '../report/figures.ts'

const names = {
  postgres: 'Belfry, PostgreSQL',
  pglite: 'Belfry, embedded',
  loop: 'SDK, README loop',
  atOnce: 'SDK, 6 at once',
  lists: 'SDK, 6 at once, lists',
  jobs: 'SDK, a job a device',
  bare: 'bare HTTP loop',
}

export const broadcast: Part = {
  steps: ({ fastRounds }) => 1 + turnsOf(7, fastRounds),
  run: (ground) => withOpen((open) => run(ground, open)),
}

async function run(ground: Ground, open: Open): Promise<Outcome> {
  const { expo, postgres, blanks, progress, size } = ground
  const { devices } = size
  progress.step(`broadcast: ${devices.toLocaleString('en')} devices on two databases`)
  const jobsEnv = { DATABASE_URL: await postgres.createDatabase() }
  const few = Math.floor(devices / 4)
  const jobs = { name: names.jobs, program: 'job-per-device', expo, devices: size.jobs, env: jobsEnv } as const
  const entries: Entry[] = await Promise.all([
    marked(open(openBelfry({ name: names.postgres, expo, blanks, on: 'postgres', devices })), {
      ours: true,
      usesDatabase: true,
    }),
    marked(open(openBelfry({ name: names.pglite, expo, blanks, on: 'pglite', devices })), { ours: true }),
    open(openChild({ name: names.loop, program: 'sdk-loop', expo, devices: few })),
    open(openChild({ name: names.atOnce, program: 'sdk-at-once', expo, devices })),
    open(openChild({ name: names.lists, program: 'sdk-lists', expo, devices })),
    marked(open(openChild(jobs)), { usesDatabase: true }),
    open(openChild({ name: names.bare, program: 'bare', expo, devices })),
  ])
  const group: Group = {
    id: 'broadcast',
    title: 'Broadcast, Expo answers at once',
    unit: 'notifications a second',
    better: 'more',
    rows: await takeTurns(ground, entries, { rounds: size.fastRounds }),
    note: `${devices.toLocaleString('en')} devices (README loop ${few.toLocaleString('en')}, a job a device ${size.jobs.toLocaleString('en')}).`,
  }
  return { groups: [group], aims: aimsOf(group) }
}

function aimsOf(group: Group): Aim[] {
  const rate = (name: string) => rowNamed(group, name).value
  return [
    atLeast('PostgreSQL, durable, to the SDK with 6 at once', rate(names.postgres) / rate(names.atOnce), 1.1, ' x'),
    atLeast('PostgreSQL, durable, to the SDK with lists', rate(names.postgres) / rate(names.lists), 1.1, ' x'),
    atLeast('PostgreSQL, durable, to the bare loop', rate(names.postgres) / rate(names.bare), 0.6, ' x'),
    atLeast('embedded, durable, to the SDK with 6 at once', rate(names.pglite) / rate(names.atOnce), 0.5, ' x'),
    atLeast('embedded, durable, to the SDK with lists', rate(names.pglite) / rate(names.lists), 0.5, ' x'),
  ]
}
