/** What a person may ask for: all that is kept about them, and that it be erased. */
import { createInterface } from 'node:readline/promises'
import { CommandFault } from '../fault.ts'
import { count, plain, print, server } from './remote.ts'

/** Printed as it is kept, for a file: `belfry users export alice > alice.json`. */
export async function exportUser(id: string): Promise<void> {
  await server().copy(`/api/operator/users/${encodeURIComponent(id)}/export`, process.stdout)
}

interface Erased {
  id: string
  erased: Record<string, number>
}

export async function eraseUser(id: string, options: { yes?: boolean; json?: boolean }): Promise<void> {
  if (!options.yes) await confirm(id)
  const answer = await server().call<Erased>('DELETE', `/api/operator/users/${encodeURIComponent(id)}`)
  print(options.json, answer, () => {
    const what = Object.entries(answer.erased).filter(([, gone]) => gone > 0)
    const list = what.map(([name, gone]) => `${name.replaceAll('_', ' ')} ${count(gone)}`).join(', ')
    return `${plain(answer.id)} is erased: ${list === '' ? 'nothing but the name was there' : list}.`
  })
}

async function confirm(id: string): Promise<void> {
  if (!process.stdin.isTTY) throw new CommandFault('Nobody can be asked here: with --yes it is done without asking.')
  const asking = createInterface({ input: process.stdin, output: process.stderr })
  const typed = await asking.question(`This cannot be undone. Type the id to erase ${plain(id)}: `)
  asking.close()
  if (typed.trim() !== id) throw new CommandFault('Nothing was erased.')
}
