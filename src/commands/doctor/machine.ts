/** This machine: Node, the built console, the folder, the port. */
import { accessSync, constants, existsSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { dirname, join } from 'node:path'
import manifest from '../../../package.json' with { type: 'json' }
import { MEND, whyNoPages } from '../../api/console/pages.ts'
import { consoleDir } from '../../app.ts'
import type { Settings } from '../../config.ts'
import { type Finding, fault, fine, reasonOf, warn } from './finding.ts'

const LEAST_NODE = 26
const LITTLE_BYTES = 1_000_000_000
const TOO_LITTLE_BYTES = 100_000_000

export function node(version = process.versions.node): Finding {
  const [major = 0] = version.split('.').map(Number)
  if (major >= LEAST_NODE) return fine('node', `Node ${version}`)
  const hint = `"npm start" runs the Node ${manifest.dependencies.node} that "npm ci" brings; so does node_modules/.bin/node.`
  return fault('node', `Node ${version} is too old; expected ${LEAST_NODE} or newer`, hint)
}

export function builtConsole(): Finding {
  const missing = whyNoPages(consoleDir)
  if (missing === undefined) return fine('console', 'The console is built')
  if (missing === 'absent')
    return warn('console', 'The console is not built; everything else works', `Run "${MEND.absent}".`)
  const hint = `Run "${MEND.unreadable}" in ${programDir} as the owner of its files.`
  return warn('console', 'The console cannot be read by this user; everything else works', hint)
}

const programDir = join(consoleDir, '..', '..')

/** The folder of the embedded database, and of keys that nobody configured. */
export function folder({ dataDir }: Settings): Finding {
  const there = nearest(dataDir)
  try {
    accessSync(there, constants.W_OK | constants.X_OK)
    if (there === dataDir) tryToWrite(dataDir)
    const { bavail, bsize } = statfsSync(there)
    const free = bavail * bsize
    const says = `${dataDir} ${there === dataDir ? 'can be written to' : 'can be made'}, ${size(free)} free`
    const hint = 'Make room on this disk, or set DATA_DIR to another one.'
    if (free < TOO_LITTLE_BYTES) return fault('folder', says, hint)
    return free < LITTLE_BYTES ? warn('folder', says, hint) : fine('folder', says)
  } catch (error) {
    const hint = 'Give this user the right to write there, or set DATA_DIR to another folder.'
    return fault('folder', `${dataDir} cannot be written to (${reasonOf(error)})`, hint)
  }
}

function nearest(path: string): string {
  return existsSync(path) || dirname(path) === path ? path : nearest(dirname(path))
}

function tryToWrite(folder: string): void {
  const file = join(folder, `.doctor-${process.pid}`)
  writeFileSync(file, 'Belfry was here.\n')
  rmSync(file)
}

function size(bytes: number): string {
  return bytes >= 1e9 ? `${(bytes / 1e9).toFixed(1)} GB` : `${(bytes / 1e6).toFixed(0)} MB`
}

/** @param isOurs whether the server that answers there is a Belfry. */
export async function port({ role, port: number, host }: Settings, isOurs: boolean): Promise<Finding[]> {
  if (role === 'worker') return []
  const where = `${host}:${number}`
  const error = await listenOnce(number, host)
  if (error === undefined) return [fine('port', `${where} is free`)]
  if (error.code !== 'EADDRINUSE') return [fault('port', `Nobody can listen on ${where} (${reasonOf(error)})`, CHOOSE)]
  if (isOurs) return [fine('port', `${where} is Belfry's`)]
  return [fault('port', `Another program listens on ${where}`, CHOOSE)]
}

const CHOOSE = 'Set PORT or HOST to something else.'

function listenOnce(number: number, host: string): Promise<NodeJS.ErrnoException | undefined> {
  const server = createServer()
  return new Promise((done) => {
    server.once('error', done)
    server.listen(number, host, () => server.close(() => done(undefined)))
  })
}
