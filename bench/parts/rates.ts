/** How many direct messages, and how many registrations, a second. */
import type { Ground } from '../kit/part.ts'
import { newPeople, registerAll, sendMessages } from '../kit/person.ts'
import { median } from '../kit/stats.ts'
import type { Group } from '../report/figures.ts'

export const ratesSteps = (programs: number, rounds: number): number => (rounds + 1) * programs * 2

export async function measureRates(ground: Ground, programs: { name: string; url: string }[]): Promise<Group[]> {
  const { progress, size } = ground
  const messages: Runs = new Map(programs.map(({ name }) => [name, []]))
  const registrations: Runs = new Map(programs.map(({ name }) => [name, []]))
  // In the first round everybody warms up.
  for (let round = 0; round <= size.rounds; round++) {
    for (const { name, url } of programs) {
      progress.step(`direct messages, ${name}`)
      const sent = await messagesPerSecond(ground, url)
      progress.step(`registrations, ${name}`)
      const registered = await registrationsPerSecond(ground, url, round)
      if (round === 0) continue
      messages.get(name)!.push(sent)
      registrations.get(name)!.push(registered)
    }
  }
  return groupsOf(messages, registrations, size.bulk)
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

export async function messagesPerSecond({ expo, size }: Ground, url: string): Promise<number> {
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
