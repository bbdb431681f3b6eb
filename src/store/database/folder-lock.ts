/**
 * One process at a time on a data folder: a second one would open it without a word, and acknowledged rows would be
 * lost. The lock is a unix socket that answers with its holder's pid, so it dies with its holder, and a stale one can
 * be told from a held one without trusting pids.
 */
import { open, readFile, rm, stat, unlink, writeFile } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { join, relative } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'

export class FolderLocked extends Error {
  readonly dataDir: string
  /** Null when the holder neither answers nor has written it down. */
  readonly pid: number | null

  constructor(dataDir: string, pid: number | null) {
    super(
      pid === null
        ? `The data folder ${dataDir} is in use by another process, which does not answer.`
        : `The data folder ${dataDir} is in use by another Belfry, process ${pid}. Stop it first, or set DATA_DIR to another folder.`,
    )
    this.dataDir = dataDir
    this.pid = pid
  }
}

/** Nobody can lock what is no folder, or belongs to somebody else. */
export class FolderUnusable extends Error {
  constructor(dataDir: string, why: string) {
    super(`The data folder ${dataDir} cannot be used (${why}). Set DATA_DIR to a folder that this user may write to.`)
  }
}

export interface FolderLock {
  release(): Promise<void>
}

/** Unix socket paths are cut at 108 bytes on Linux and 104 on macOS. */
const SOCKET_PATH_MAX_BYTES = 100
const ANSWER_TIMEOUT_MS = 1_000
/** A taking-over that lasts longer than this died half way. */
const TAKING_STALE_MS = 5_000

/** Resolves within 2 s, some seconds later after a taking-over that died half way, or throws FolderLocked. */
export async function lockFolder(dataDir: string): Promise<FolderLock> {
  return lock(dataDir).catch((error: NodeJS.ErrnoException) => {
    throw error.syscall === undefined ? error : new FolderUnusable(dataDir, error.message)
  })
}

async function lock(dataDir: string): Promise<FolderLock> {
  const path = socketPath(dataDir)
  for (;;) {
    const holder = await askHolder(path)
    if (holder !== 'nobody') throw new FolderLocked(dataDir, holder ?? (await writtenPid(dataDir)))
    const taken = await takeOver(dataDir, path)
    if (taken) return taken
    await wait(20)
  }
}

/** The pid of who has the folder, null when they do not say. Nothing is changed, and nothing made. */
export async function folderHolder(dataDir: string): Promise<number | null | 'nobody'> {
  const holder = await askHolder(socketPath(dataDir))
  return holder ?? (await writtenPid(dataDir))
}

/** What the holder wrote down: it may be too busy to answer, as while it opens a large database. */
async function writtenPid(dataDir: string): Promise<number | null> {
  const text = await readFile(pidFile(dataDir), 'utf8').catch(() => '')
  return Number.parseInt(text, 10) || null
}

const pidFile = (dataDir: string) => join(dataDir, 'belfry.pid')

function socketPath(dataDir: string): string {
  const absolute = join(dataDir, 'belfry.lock')
  if (Buffer.byteLength(absolute) <= SOCKET_PATH_MAX_BYTES) return absolute
  const short = relative(process.cwd(), absolute)
  if (Buffer.byteLength(short) <= SOCKET_PATH_MAX_BYTES) return short
  throw new FolderUnusable(dataDir, `its path is longer than ${SOCKET_PATH_MAX_BYTES - 12} bytes`)
}

/** The holder's pid, null for one that does not answer in time, or that there is nobody. */
function askHolder(path: string): Promise<number | null | 'nobody'> {
  return new Promise((resolve, reject) => {
    const socket = connect(path)
    let answer = ''
    const timer = setTimeout(() => done(null), ANSWER_TIMEOUT_MS)
    const done = (result: number | null | 'nobody') => {
      clearTimeout(timer)
      socket.destroy()
      resolve(result)
    }
    socket.on('data', (chunk) => {
      answer += chunk.toString()
    })
    socket.on('end', () => done(Number.parseInt(answer, 10) || null))
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT' || error.code === 'ECONNREFUSED') return done('nobody')
      clearTimeout(timer)
      reject(error)
    })
  })
}

/** Only one process at a time may remove a stale socket and listen in its place; undefined: somebody else is at it. */
async function takeOver(dataDir: string, path: string): Promise<FolderLock | undefined> {
  const taking = join(dataDir, 'belfry.lock.taking')
  const file = await open(taking, 'wx').catch(async (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error
    const age = await stat(taking).then(
      // A clock that was set back since leaves a file of the future, which would not grow old for as long.
      (found) => Math.abs(Date.now() - found.mtimeMs),
      () => 0,
    )
    if (age > TAKING_STALE_MS) await rm(taking, { force: true })
    return undefined
  })
  if (!file) return undefined
  try {
    if ((await askHolder(path)) !== 'nobody') return undefined
    await unlink(path).catch(() => undefined)
    const lock = await listen(path)
    await writeFile(pidFile(dataDir), `${process.pid}\n`)
    return lock
  } finally {
    await file.close()
    await rm(taking, { force: true })
  }
}

function listen(path: string): Promise<FolderLock> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => {
      socket.on('error', () => undefined)
      socket.end(`${process.pid}\n`)
    })
    server.once('error', reject)
    server.listen(path, () => {
      server.unref()
      // Closing a listening socket also removes its file.
      resolve({ release: () => new Promise((closed) => server.close(() => closed())) })
    })
  })
}
