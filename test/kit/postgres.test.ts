import { existsSync } from 'node:fs'
import { expect, test } from 'vitest'
import { sharedPostgres } from './global-setup.ts'
import { isAlive } from './guard.ts'
import { openPostgres, query } from './postgres.ts'

test.each([18, 14] as const)('PostgreSQL %i is shared, with a database for each who asks', async (version) => {
  const server = await sharedPostgres(version)
  const [one, two] = [await server.createDatabase(), await server.createDatabase()]
  expect(one).not.toBe(two)
  const rows = await query<{ version: string }>(one, "select current_setting('server_version') as version")
  expect(rows[0]!.version).toMatch(new RegExp(`^${version}\\.`))
})

test('a server of its own can be crashed, started again, and leaves nothing behind', async () => {
  const server = await openPostgres(18, { durable: true })
  const url = await server.createDatabase()
  await query(url, 'create table kept (a int)')
  await query(url, 'insert into kept values (1)')
  const first = server.pid()!
  await server.stop('immediate')
  expect(isAlive(first)).toBe(false)
  await expect(query(url, 'select 1')).rejects.toThrow(/ECONNREFUSED/)
  await server.start()
  expect(await query(url, 'select a from kept')).toEqual([{ a: 1 }])
  const [{ folder } = { folder: '' }] = await query<{ folder: string }>(
    url,
    "select current_setting('data_directory') as folder",
  )
  await server.close()
  expect(isAlive(first)).toBe(false)
  expect(existsSync(folder)).toBe(false)
})
