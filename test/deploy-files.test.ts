/** The examples under deploy/ and compose.yaml: they parse, set nothing that Belfry does not know, and keep to the rules. */
import { execFile, spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseEnv, promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { GLIBC_TUNABLES } from './kit/server.ts'

const project = join(import.meta.dirname, '..')
const read = (path: string) => readFileSync(join(project, path), 'utf8')
const known = [...read('src/config.ts').matchAll(/^ {2}([A-Z][A-Z_]+): /gm)].map(([, name = '']) => name)
/** Not ours to read: the C library does. */
const OF_THE_C_LIBRARY = 'GLIBC_TUNABLES'
const unknownOf = (names: Iterable<string>) =>
  [...names].filter((name) => !known.includes(name) && name !== OF_THE_C_LIBRARY)

/** The reader of YAML that @fastify/swagger brings. */
const yaml = createRequire(createRequire(import.meta.url).resolve('@fastify/swagger'))('yaml') as {
  parse(text: string, options?: { merge: boolean }): unknown
}

interface Service {
  image?: string
  command?: string[]
  environment?: Record<string, string>
  env_file?: string
  ports?: string[]
  volumes?: string[]
  stop_grace_period?: string
  healthcheck?: { test?: string[]; disable?: boolean }
  deploy?: { replicas: number }
  depends_on?: Record<string, { condition: string }>
}

test.for(['Dockerfile', 'deploy/belfry.service', 'deploy/build.sh', 'docs/deploy.md'])(
  '%s tells the C library what npm start tells it',
  (path) => expect(read(path)).toContain(`${OF_THE_C_LIBRARY}=${GLIBC_TUNABLES}`),
)

describe('compose.yaml', () => {
  const compose = yaml.parse(read('compose.yaml'), { merge: true }) as {
    services: Record<'database' | 'migrate' | 'api' | 'worker', Service>
    volumes: Record<string, null>
  }
  const { database, migrate, api, worker } = compose.services

  test('sets only what config.ts knows', () => {
    for (const service of [migrate, api, worker]) expect(unknownOf(Object.keys(service.environment ?? {}))).toEqual([])
  })

  test('is one API on loopback and two workers, after the migration, after a database that answers', () => {
    expect(api).toMatchObject({ environment: { ROLE: 'api' }, ports: ['127.0.0.1:8787:8787'] })
    expect(worker).toMatchObject({ environment: { ROLE: 'worker' }, deploy: { replicas: 2 } })
    expect(migrate.command).toEqual(['belfry', 'migrate'])
    const ready = {
      database: { condition: 'service_healthy' },
      migrate: { condition: 'service_completed_successfully' },
    }
    expect([api.depends_on, worker.depends_on]).toEqual([ready, ready])
    expect(database.image).toMatch(/^postgres:18\./)
    expect(database.healthcheck?.test).toContain('pg_isready')
    expect([database.ports, worker.ports]).toEqual([undefined, undefined])
    expect(Object.keys(compose.volumes)).toEqual(['database'])
    expect(database.volumes).toEqual(['database:/var/lib/postgresql'])
  })

  test('gives each process its own secrets, and time to stop', () => {
    expect([database.env_file, api.env_file, worker.env_file]).toEqual(['database.env', 'belfry.env', 'belfry.env'])
    expect([api.stop_grace_period, worker.stop_grace_period]).toEqual(['45s', '45s'])
  })
})

test('belfry.env.example, the Dockerfile, fly.toml and render.yaml set only what config.ts knows', () => {
  expect(
    unknownOf(Object.keys(parseEnv(read('deploy/belfry.env.example').replaceAll(/^# (?=[A-Z_]+=)/gm, '')))),
  ).toEqual([])
  const [, image = ''] = /^ENV (.+)$/m.exec(read('Dockerfile')) ?? []
  expect(unknownOf(image.split(' ').map((pair) => pair.split('=')[0]!))).toEqual([])
  const [, flyEnv = ''] = /^\[env\]\n((?:.+\n)+)/m.exec(read('deploy/fly.toml')) ?? []
  expect(unknownOf(Object.keys(parseEnv(flyEnv)).map((name) => name.trim()))).toEqual([])
  const render = yaml.parse(read('deploy/render.yaml')) as Record<
    'services' | 'envVarGroups',
    { envVars: { key?: string }[] }[]
  >
  const keys = [...render.services, ...render.envVarGroups].flatMap(({ envVars }) =>
    envVars.flatMap(({ key }) => key ?? []),
  )
  expect(keys).toContain('DATABASE_URL')
  expect(unknownOf(keys)).toEqual([])
})

test('no file with secrets can get into an image or into git', () => {
  expect(read('.gitignore').split('\n')).toContain('*.env')
  expect(read('.dockerignore')).not.toMatch(/^!(deploy\/?|.*\.env.*)$/m)
  expect(readdirSync(join(project, 'deploy')).filter((name) => name.endsWith('.env'))).toEqual([])
})

describe('belfry.service', () => {
  const unit = read('deploy/belfry.service')
  const lines = unit.split('\n')

  test('stops and starts again as the program means it, without rights', () => {
    for (const line of [
      'KillSignal=SIGTERM',
      'TimeoutStopSec=45',
      'Restart=on-failure',
      'RestartPreventExitStatus=78',
      'DynamicUser=yes',
      'NoNewPrivileges=yes',
      'ProtectSystem=strict',
      'StateDirectory=belfry',
    ])
      expect(lines).toContain(line)
    const [, set = ''] = /^Environment=(.+)$/m.exec(unit) ?? []
    expect(unknownOf(set.split(' ').map((pair) => pair.split('=')[0]!))).toEqual([])
  })

  const hasSystemd = spawnSync('systemd-analyze', ['--version']).status === 0
  test.runIf(hasSystemd)(
    `systemd finds no fault in it${hasSystemd ? '' : ' (skipped: no systemd-analyze)'}`,
    async () => {
      const folder = mkdtempSync(join(tmpdir(), 'belfry-unit-'))
      try {
        const here = unit.replace('/usr/bin/node /opt/belfry', `${process.execPath} ${project}`)
        expect(here).not.toBe(unit)
        writeFileSync(join(folder, 'belfry.service'), here)
        const { stdout, stderr } = await promisify(execFile)('systemd-analyze', [
          'verify',
          join(folder, 'belfry.service'),
        ])
        const ours = `${stdout}${stderr}`.split('\n').filter((line) => line.includes('belfry'))
        expect(ours).toEqual([])
      } finally {
        rmSync(folder, { recursive: true, force: true })
      }
    },
  )
})
