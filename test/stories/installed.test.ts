/** What `npm ci` made may belong to somebody whose files the server's user may not read: it does without, and says what to do. */
import { execFile } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import manifest from '../../package.json' with { type: 'json' }
import { call } from '../kit/call.ts'
import { freePort } from '../kit/guard.ts'
import { accountWithoutRights, reachableByOthers } from '../kit/postgres.ts'
import { environment, type Server, startServer } from '../kit/server.ts'

const project = join(import.meta.dirname, '..', '..')
const isRoot = process.getuid?.() === 0
/** Root may read everything, and lends the program to somebody who may not; others take the right away from themselves. */
const as = isRoot ? accountWithoutRights() : undefined
const packages = realpathSync(join(project, 'node_modules'))
const isReachable = !isRoot || [process.execPath, packages].every(reachableByOthers)
const why = isReachable ? '' : ' (skipped: no other user reaches the packages)'

describe.runIf(isReachable)(`a program that somebody else installed${why}`, () => {
  const program = mkdtempSync(join(tmpdir(), 'belfry-installed-'))
  const folder = join(program, 'home')
  const pages = join(program, 'console', 'dist')
  let server: Server | undefined

  beforeAll(() => {
    chmodSync(program, 0o755)
    cpSync(join(project, 'src'), join(program, 'src'), { recursive: true })
    cpSync(join(project, 'package.json'), join(program, 'package.json'))
    symlinkSync(packages, join(program, 'node_modules'))
    const prepared = join(program, '.cache', `pglite-${manifest.dependencies['@electric-sql/pglite']}`)
    const unreadable = [prepared, join(pages, 'assets')].map((made) => {
      mkdirSync(made, { recursive: true })
      return join(made, 'file.js')
    })
    writeFileSync(join(pages, 'index.html'), '<title>Belfry</title>')
    for (const file of unreadable) writeFileSync(file, '', { mode: 0 })
    mkdirSync(folder)
    if (as) chownSync(folder, as.uid, as.gid)
  })
  afterAll(async () => {
    await server?.kill9()
    rmSync(program, { recursive: true, force: true })
  })

  test('starts on a database of its own making, and says at /console what to do', async () => {
    server = await startServer({ program, folder, as })
    const { status, text } = await call('GET', `${server.url}/console`)
    expect(status).toBe(503)
    expect(text).toContain('chmod -R a+rX console')
    expect(text).not.toContain('npm run prepare')
  })

  test('the doctor says so, too', async () => {
    const env = environment(folder, await freePort())
    const told = await new Promise<string>((done) => {
      const args = [join(program, 'src', 'cli.ts'), 'doctor', '--json']
      execFile(process.execPath, args, { cwd: folder, env, ...as }, (_, stdout) => done(stdout))
    })
    const { checks } = JSON.parse(told) as { checks: { check: string; says: string; hint?: string }[] }
    expect(checks).toContainEqual({
      check: 'console',
      verdict: 'warn',
      says: 'The console cannot be read by this user; everything else works',
      hint: expect.stringContaining('chmod -R a+rX console'),
    })
  })
})
