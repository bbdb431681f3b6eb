/**
 * Where a data folder's database is: in it, on its way to PostgreSQL, or moved there. In place of one that has gone no new one is made in
 * silence: apps would register in it, and whoever put the old one back would send again what PostgreSQL has sent.
 */
import { existsSync, readdirSync } from 'node:fs'
import { open, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

export const embeddedIn = (dataDir: string): string => join(dataDir, 'pgdata')
const onItsWay = (dataDir: string) => `${embeddedIn(dataDir)}.moving`
const MOVED = 'pgdata.moved-'
/** In the database's own folder, so that it goes wherever that goes. */
const LABEL = 'belfry-move.json'

export type Whereabouts = 'here' | 'moving' | 'moved' | 'absent'

export function whereabouts(dataDir: string): Whereabouts {
  if (existsSync(onItsWay(dataDir))) return 'moving'
  if (existsSync(embeddedIn(dataDir))) return 'here'
  return namesIn(dataDir).some((name) => name.startsWith(MOVED)) ? 'moved' : 'absent'
}

/** Who has PostgreSQL needs no folder: one that cannot be read has nothing for them. Who needs it is told when they lock it. */
function namesIn(dataDir: string): string[] {
  try {
    return readdirSync(dataDir)
  } catch {
    return []
  }
}

/** Also half way: its rows have not come to PostgreSQL, as far as can be seen from here. */
export const isHere = (dataDir: string): boolean => ['here', 'moving'].includes(whereabouts(dataDir))

const TOLD = {
  moving: ['is on its way to PostgreSQL', 'Set DATABASE_URL, and run "belfry move" again.'],
  moved: ['was moved to PostgreSQL', `Set DATABASE_URL; or take ${MOVED}* away, to begin with an empty one.`],
} as const

export class FolderMoved extends Error {
  readonly says: string
  readonly hint: string

  constructor(dataDir: string, where: keyof typeof TOLD) {
    const [says, hint] = TOLD[where]
    super(`The database in ${dataDir} ${says}. ${hint}`)
    this.says = says
    this.hint = hint
  }
}

export function refuseMoved(dataDir: string): void {
  const where = whereabouts(dataDir)
  if (where === 'moving' || where === 'moved') throw new FolderMoved(dataDir, where)
}

/** Which move it is, and where to, in a person's words. */
export interface Label {
  move: string
  place: string
}

/** From here on no server starts on it. Closed before. */
export async function setAside(dataDir: string, label: Label): Promise<void> {
  await writeFile(join(embeddedIn(dataDir), LABEL), JSON.stringify(label), { flush: true })
  await rename(embeddedIn(dataDir), onItsWay(dataDir))
  await keepThroughPowerCut(dataDir)
}

/** What PostgreSQL commits after this is on its disk. */
async function keepThroughPowerCut(folder: string): Promise<void> {
  await using opened = await open(folder)
  await opened.sync()
}

/** Of what is on its way. */
export async function labelOf(dataDir: string): Promise<Label> {
  return JSON.parse(await readFile(join(onItsWay(dataDir), LABEL), 'utf8')) as Label
}

/** It has not arrived. */
export const takeBack = (dataDir: string): Promise<void> => rename(onItsWay(dataDir), embeddedIn(dataDir))

/** It has arrived. @returns where the old one lies now. */
export async function keepAsMoved(dataDir: string): Promise<string> {
  const at = new Date().toISOString().replaceAll(/[-:]|\..*/g, '')
  const kept = join(dataDir, `${MOVED}${at}`)
  await rename(onItsWay(dataDir), kept)
  return kept
}
