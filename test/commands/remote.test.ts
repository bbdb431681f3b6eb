/** The verbs that speak to a running server, as people type them. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { cellsOf } from '../../src/commands/remote/table-rows.ts'
import { OPERATOR_KEY, runCommand } from '../kit/server.ts'
import { type World, worlds } from '../kit/world.ts'

let world: World
beforeAll(async () => {
  world = await worlds[0]!.open({ env: { RECEIPT_DELAY_MS: '300' } })
})
afterAll(() => world.close())

const belfry = (...args: string[]) =>
  runCommand(args, { env: { BELFRY_URL: world.server.url, BELFRY_KEY: OPERATOR_KEY, OPERATOR_KEY: undefined } })
const file = (name: string, text: string) => {
  const path = join(world.folder, name)
  writeFileSync(path, text)
  return path
}

test('tables of three shapes are taken over; bad rows are named by their lines and left out', async () => {
  const first = file(
    'first.csv',
    'id,user_id,token,device_type,created_at,updated_at\n1,ana,ExponentPushToken[first-ana],ios,2025-01-01 10:00:00,2025-01-02 10:00:00\n2,"ben, the ""second""",ExponentPushToken[first-ben],Android,,\n3,cleo,not a token,ios,,\n4,,ExponentPushToken[nobodys],ios,,\n5,dan,ExponentPushToken[dan],toaster,,\n6,eve\n',
  )
  const done = await belfry('tokens', 'import', first)
  expect(done.stdout).toBe('2 imported, 0 known before, 4 left out.\n')
  expect(done.stderr.match(/^line \d+/gm)).toEqual(['line 4', 'line 5', 'line 6', 'line 7'])
  expect(done.code).toBe(3)

  const second = file(
    'second.jsonl',
    '{"id":"6a0a","user_id":"fay","expo_token":"ExponentPushToken[second-fay]","active":true,"created_at":"2025-01-01T00:00:00+00:00"}\n{"user_id":"gus","expo_token":"ExponentPushToken[second-gus]","active":false}\n{"user_id":\n',
  )
  const json = await belfry('tokens', 'import', second, '--json')
  expect(JSON.parse(json.stdout)).toMatchObject({ imported: 2, known: 0, bad: [{ line: 3 }] })

  const third = file(
    'third.csv',
    'id,push_token,push_token_updated_at\nhal,ExponentPushToken[third-hal],2025-03-01\nana,ExponentPushToken[first-ana],\n',
  )
  expect(await belfry('tokens', 'import', third)).toMatchObject({
    code: 0,
    stdout: '1 imported, 1 known before, 0 left out.\n',
  })

  const exported = await belfry('tokens', 'export')
  const rows = exported.stdout
    .trim()
    .split('\n')
    .map((line) => cellsOf(line))
  expect(rows[0]).toEqual(['id', 'user_id', 'token', 'device_type', 'active', 'created_at', 'updated_at'])
  expect(rows.slice(1).map((row) => [row[1], row[2], row[4]])).toEqual([
    ['ana', 'ExponentPushToken[first-ana]', 'true'],
    ['ben, the "second"', 'ExponentPushToken[first-ben]', 'true'],
    ['fay', 'ExponentPushToken[second-fay]', 'true'],
    ['gus', 'ExponentPushToken[second-gus]', 'false'],
    ['hal', 'ExponentPushToken[third-hal]', 'true'],
  ])
  const again = await belfry('tokens', 'import', file('again.csv', exported.stdout), '--json')
  expect(JSON.parse(again.stdout)).toMatchObject({ imported: 0, known: 5, bad: [] })
  const listed = await belfry('tokens', 'list', '--user', 'ana')
  expect(listed.stdout).toMatch(/^ana +ExponentPushToken\[fir…\] +ios +yes/m)
})

test('100,000 rows are in within a minute', async () => {
  const rows = Array.from({ length: 100_000 }, (_, n) => `big-${n},ExponentPushToken[big-${n}],ios`)
  const path = file('big.csv', `user_id,token,device_type\n${rows.join('\n')}\n`)
  const done = await belfry('tokens', 'import', path, '--json')
  expect(JSON.parse(done.stdout)).toMatchObject({ imported: 100_000, bad: [] })
})

test('send stays to the end, and its exit code says how it went', async () => {
  const sent = await belfry('send', '--to', 'ana,hal', '--title', 'From the shell', '--data', '{"screen": "home"}')
  expect(sent).toMatchObject({ code: 0, stdout: 'Finished: 2 accepted.\n' })
  const id = sent.stderr.trim()
  expect(Object.keys(await world.expo.counts(id))).toHaveLength(2)
  expect((await belfry('notifications', 'list', '--limit', '3')).stdout).toContain('From the shell')
  expect((await belfry('notifications', 'show', id)).stdout).toMatch(/^accepted +2$/m)
  expect(JSON.parse((await belfry('notifications', 'pause', id, '--json')).stdout)).toMatchObject({ state: 'finished' })
  expect((await belfry('explain', 'hal', id)).stdout).toMatch(/^hal(: Expo took it| got it)/)
  expect((await belfry('explain', 'hal', id)).code).toBe(0)
  expect(await belfry('explain', 'hall', id)).toMatchObject({
    code: 1,
    stdout: expect.stringContaining('There is no user hall here.'),
  })
  expect((await belfry('send', '--to', 'nobody', '--title', 'A')).code).toBe(3)
  const dry = await belfry('send', '--to', 'everyone', '--title', 'A', '--dry-run', '--json')
  expect(JSON.parse(dry.stdout)).toMatchObject({ dry_run: true, audience: { ios: 100_001 } })
})

test('a test past the database says by its exit code whether Expo took it', async () => {
  const token = 'ExponentPushToken[past-the-database]'
  const ring = (EXPO_PUSH_URL: string) => runCommand(['test-token', token], { env: { EXPO_PUSH_URL } })
  expect((await ring(world.expo.sendUrl)).code).toBe(0)
  await world.expo.plan({ ticketCodes: { [token]: 'DeviceNotRegistered' } })
  const refused = await ring(world.expo.sendUrl)
  expect(refused).toMatchObject({
    code: 3,
    stderr: expect.stringMatching(/^Expo refused it\. The app was uninstalled/),
  })
  expect(JSON.parse(refused.stdout)).toMatchObject({ data: [{ status: 'error' }] })
  expect((await ring('http://127.0.0.1:1/send')).code).toBe(1)
  await world.expo.plan({ ticketCodes: {} })

  // The server was told where Expo is, this shell was not.
  const env = { EXPO_PUSH_URL: undefined, PORT: String(world.server.port) }
  expect(await runCommand(['test-token', token], { env })).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('EXPO_PUSH_URL is not set here'),
  })
})

test('times are told in UTC and say so; without a zone they are taken as local ones', async () => {
  const day = new Date(Date.now() + 7 * 86_400_000).toISOString().slice(0, 10)
  const inIndia = async (at: string) => {
    const env = { BELFRY_URL: world.server.url, TZ: 'Asia/Kolkata' }
    const { stdout, stderr } = await runCommand(['send', '--to', 'ana', '--title', 'Later', '--at', at], { env })
    return stdout.slice(37) + stderr
  }
  expect(await inIndia(`${day} 09:00`)).toBe(`goes out at ${day}T03:30:00Z\n`)
  expect(await inIndia(`${day}T09:00:30`)).toBe(`goes out at ${day}T03:30:30Z\n`)
  expect(await inIndia(`${day}T09:00Z`)).toBe(`goes out at ${day}T09:00:00Z\n`)
  expect(await inIndia(`${day} 09:00 +0200`)).toBe(`goes out at ${day}T07:00:00Z\n`)
  const before = new Date(Date.parse(day) - 5.5 * 3_600_000).toISOString().slice(0, 19)
  expect(await inIndia(day)).toBe(`goes out at ${before}Z\n`)
  expect(await inIndia('12h')).toMatch(/^goes out at \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\n$/)
  for (const none of ['5', '01/02/2027', 'soon'])
    expect(await inIndia(none)).toMatch(
      new RegExp(`^"${none}" is no time; expected something like 2027-01-31T09:00:00Z`),
    )
  const [first] = (await belfry('notifications', 'list', '--limit', '1')).stdout.split('\n').slice(1)
  expect(first).toMatch(/ scheduled +\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ /)
  const shown = await belfry('notifications', 'show', first!.slice(0, 36))
  expect(shown.stdout).toMatch(/^goes out +\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/m)
  expect((await belfry('audit')).stdout).toMatch(/^\d+ +\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ /m)
})

test('what cannot be done is said in a sentence', async () => {
  expect(await belfry('send', '--to', 'everyone')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('nothing to say'),
  })
  for (const id of ['x', '01a20057-7cac-76f3-956a-aa206f66a746'])
    for (const args of [
      ['notifications', 'show', id],
      ['notifications', 'cancel', id],
      ['explain', 'ana', id],
    ])
      expect(await belfry(...args)).toMatchObject({
        code: 1,
        stderr: expect.stringMatching(/^There is no notification with this id\. .*"belfry notifications list"\.\n$/),
      })
  const unread = await belfry('send', '--to', 'ana', '--data', '{screen: home}')
  expect(unread).toMatchObject({
    code: 1,
    stderr: `--data is not JSON: it goes wrong at line 1, column 2. Expected something like '{"screen": "home"}'.\n`,
  })
  expect(await belfry('tokens', 'import', '/nowhere.csv')).toMatchObject({
    code: 1,
    stderr: '/nowhere.csv cannot be read.\n',
  })
  expect(await belfry('tokens', 'import', '/')).toMatchObject({ code: 1, stderr: '/ cannot be read.\n' })
  expect(await belfry('tokens', 'import', file('empty.csv', ''))).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('There is nothing to import'),
  })
  const port = await runCommand(['notifications', 'list'], { env: { PORT: 'abc', BELFRY_KEY: 'k' } })
  expect(port).toMatchObject({
    code: 78,
    stderr: expect.stringContaining('HOST, PORT: http://127.0.0.1:abc is not a URL'),
  })
  const away = await runCommand(['notifications', 'list'], {
    env: { BELFRY_URL: 'http://127.0.0.1:1', BELFRY_KEY: 'k' },
  })
  expect(away).toMatchObject({ code: 1, stderr: expect.stringContaining('Is the server running?') })
  const wrong = { BELFRY_URL: world.server.url, OPERATOR_KEY: 'not-the-key-of-this-server' }
  expect(await runCommand(['notifications', 'list'], { env: wrong })).toMatchObject({
    code: 1,
    stderr: `The bearer token is not valid. It is no JSON Web Token. If it is meant as the operator key: that is in OPERATOR_KEY of the server, or in the file that it names at its start. The key that was shown is from OPERATOR_KEY.\n`,
  })
  const revoked = await runCommand(['notifications', 'list'], {
    env: { ...wrong, BELFRY_KEY: `blf_${'x'.repeat(43)}` },
  })
  expect(revoked.stderr).toMatch(/"belfry keys list" .* The key that was shown is from BELFRY_KEY\.\n$/)
  const help = await belfry('tokens', 'import', '--help')
  expect(help.stdout).toContain('user_id, expo_token, active, created_at')
})

test('tables as MySQL and Supabase write them out', async () => {
  const files = {
    // mysql --batch, and what Workbench and phpMyAdmin call CSV.
    'batch.tsv':
      'id\tuser_id\ttoken\tdevice_type\tcreated_at\tupdated_at\nx1\tmy-ana\tExponentPushToken[my-ana]\tandroid\t2025-01-01 10:00:00\t0000-00-00 00:00:00\nx2\tmy-ben\tExponentPushToken[my-ben]\tNULL\tNULL\tNULL\n',
    'workbench.csv':
      'id,user_id,token,device_type,created_at,updated_at\r\nx3,my-cleo,ExponentPushToken[my-cleo],NULL,2025-01-01 10:00:00,NULL\r\n"x4","my-dan","ExponentPushToken[my-dan]",\\N,\\N,\\N\r\n',
    'semicolons.csv':
      '\uFEFF"user_id";"expo_token";"active"\nmy-eve;ExponentPushToken[my-eve];1\nmy-fay;ExponentPushToken[my-fay];0\n',
    'users.csv':
      'id,username,push_token,push_token_updated_at\nmy-gus,Gus,ExponentPushToken[my-gus],2025-01-01 10:00:00\nmy-hal,Hal,NULL,NULL\nmy-ida,Ida,,\n',
    'supabase.csv':
      'id,user_id,expo_token,active,created_at\n7f3a,f5cf5a60-f6d7-4754-b7cc-31ed083b0dd3,ExponentPushToken[my-joe],t,2025-01-01 10:00:00.123456+00\n',
  }
  for (const [name, text] of Object.entries(files)) {
    const done = await belfry('tokens', 'import', file(name, text), '--json')
    const { bad } = JSON.parse(done.stdout) as { bad: object[] }
    expect([name, done.code, bad]).toEqual([name, 0, []])
  }
  const exported = (await belfry('tokens', 'export')).stdout.split('\n').map((line) => cellsOf(line))
  const mine = exported.filter((row) => row[2]?.startsWith('ExponentPushToken[my-'))
  expect(mine.map((row) => [row[2]!.slice(18, -1), row[3], row[4], row[6]?.slice(0, 19)])).toEqual([
    ['my-ana', 'android', 'true', '2025-01-01T10:00:00'],
    ['my-ben', '', 'true', expect.any(String)],
    ['my-cleo', '', 'true', '2025-01-01T10:00:00'],
    ['my-dan', '', 'true', expect.any(String)],
    ['my-eve', '', 'true', expect.any(String)],
    ['my-fay', '', 'false', expect.any(String)],
    ['my-gus', '', 'true', '2025-01-01T10:00:00'],
    ['my-joe', '', 'true', '2025-01-01T10:00:00'],
  ])
  const headless = await belfry('tokens', 'import', file('headless.csv', 'x1,ana,ExponentPushToken[a]\n'))
  expect(headless).toMatchObject({ code: 1, stderr: expect.stringContaining('names none of the columns') })
  const list = await belfry('tokens', 'import', file('list.json', '[{"user_id": "a"}]'))
  expect(list).toMatchObject({ code: 1, stderr: expect.stringContaining('JSON list') })
})

test('rows that are odd keep no other out, and make nobody else of anybody', async () => {
  const tokens = (of: string, count: number) => Array.from({ length: count }, (_, n) => `ExponentPushToken[${of}-${n}]`)
  const snow = ['1234567890123456781', '1234567890123456789']
  const files = {
    // Numbers that JavaScript would round; a BIT column; a cell that is longer than a request.
    'snow.jsonl': tokens('odd-snow', 2).map((token, n) => `{"user_id":${snow[n]},"token":"${token}"}`),
    'bit.jsonl': tokens('odd-bit', 3).map((token, n) =>
      JSON.stringify({ user_id: 'a', token, active: n === 0 ? { type: 'Buffer', data: [1] } : true }),
    ),
    'long.jsonl': tokens('odd-long', 2).map((token, n) =>
      JSON.stringify({ user_id: 'a'.repeat(1 + 300_000 * n), token }),
    ),
    // In what MySQL's own client writes, and in the middle of a cell, a quote is a letter.
    'quotes.tsv': ['user_id\ttoken\tname', ...tokens('odd-tab', 2).map((token) => `a\t${token}\t"Ben" is 6" tall`)],
    'quotes.csv': ['user_id,token,name', ...tokens('odd-csv', 2).map((token) => `a,${token},Ben is 6" tall`)],
    // A batch is measured in bytes, not in letters.
    'wide.csv': [
      'user_id,token',
      ...tokens('odd-wide', 800).map((token, n) => `${(n % 2 ? '名' : '😀').repeat(100)}${n},${token}`),
    ],
  }
  const left = { 'bit.jsonl': 1, 'long.jsonl': 1 } as Record<string, number>
  for (const [name, lines] of Object.entries(files)) {
    const done = await belfry('tokens', 'import', file(name, lines.join('\n')), '--json')
    const { bad } = JSON.parse(done.stdout || '{}') as { bad?: object[] }
    expect([name, bad?.length, done.stderr]).toEqual([name, left[name] ?? 0, ''])
  }
  const rows = (await belfry('tokens', 'export')).stdout.split('\n').map((line) => cellsOf(line))
  const owners = (of: string) => rows.filter((row) => row[2]?.includes(`[odd-${of}-`)).map((row) => row[1])
  expect(owners('snow')).toEqual(snow)
  expect(['bit', 'long', 'tab', 'csv', 'wide'].map((of) => owners(of).length)).toEqual([2, 1, 2, 2, 800])
  const rounded = { line: 1, user_id: Number(snow[0]), token: 'ExponentPushToken[odd]' }
  const { body } = await world.operator('POST', '/api/operator/tokens/import', { json: { rows: [rounded] } })
  expect(body).toMatchObject({ imported: 0, bad: [{ line: 1 }] })
})
