/** How many direct messages, and how many registrations, a second. */
import { openBelfry } from '../contestants/belfry.ts'
import type { Ground } from '../kit/part.ts'
import { newPeople, registerAll, sendMessages } from '../kit/person.ts'
import { withOpen } from '../kit/rounds.ts'
import { median } from '../kit/stats.ts'
import type { Group } from '../report/figures.ts'

export const ratesSteps = (rounds: number): number => 1 + (rounds + 1) * 4

export async function measureRates(ground: Ground): Promise<Group[]> {
  return withOpen(async (open) => {
    const { expo, postgres, progress, size } = ground
    progress.step('direct messages and registrations: two databases')
    const devices = size.bulk
    const programs = [
      { kind: 'PostgreSQL', ...(await open(openBelfry({ name: 'PostgreSQL', expo, postgres, devices }))) },
      { kind: 'embedded', ...(await open(openBelfry({ name: 'embedded', expo, devices }))) },
    ]
    const messages = new Map<string, number[]>()
    const registrations = new Map<string, number[]>()
    for (let round = 0; round <= size.rounds; round++) {
      for (const { kind, url } of programs) {
        progress.step(`direct messages, ${kind}`)
        const sent = await messagesPerSecond(ground, url)
        progress.step(`registrations, ${kind}`)
        const registered = await registrationsPerSecond(ground, url, round)
        if (round === 0) continue
        messages.set(kind, [...(messages.get(kind) ?? []), sent])
        registrations.set(kind, [...(registrations.get(kind) ?? []), registered])
      }
    }
    return groupsOf(messages, registrations, size.bulk)
  })
}

type Runs = Map<string, number[]>

function groupsOf(messages: Runs, registrations: Runs, bulk: number): Group[] {
  const rows = (runs: Runs) => [...runs].map(([name, each]) => ({ name, value: median(each), runs: each, ours: true }))
  const note = `${bulk.toLocaleString('en')} at a time, over 32 connections.`
  return [
    {
      id: 'messages',
      title: 'Direct messages, from the first POST to the last request at Expo',
      unit: 'messages a second',
      better: 'more',
      rows: rows(messages),
      note: `${note} Each is a message to somebody else: stored, queued, sent and settled.`,
    },
    {
      id: 'registrations',
      title: 'Registrations of new devices',
      unit: 'a second',
      better: 'more',
      rows: rows(registrations),
      note,
    },
  ]
}

async function messagesPerSecond({ expo, size }: Ground, url: string): Promise<number> {
  await expo.reset({ remember: false })
  const started = performance.now()
  await sendMessages(url, range(size.bulk))
  await expo.untilTaken(size.bulk, { timeoutMs: 120_000 })
  return size.bulk / ((performance.now() - started) / 1_000)
}

async function registrationsPerSecond({ size }: Ground, url: string, round: number): Promise<number> {
  const people = newPeople(size.bulk, round)
  const started = performance.now()
  await registerAll(url, people)
  return size.bulk / ((performance.now() - started) / 1_000)
}

const range = (count: number): number[] => Array.from({ length: count }, (_, n) => n + 1)
