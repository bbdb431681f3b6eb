/** Belfry as several processes on one PostgreSQL: one answers HTTP, the others send. */
import { rmSync } from 'node:fs'
import type { FakeExpo } from '../../test/kit/expo.ts'
import { temporaryFolder } from '../../test/kit/server.ts'
import type { Blanks } from '../kit/blanks.ts'
import { insertIntoPostgres, removeFromPostgres } from '../kit/devices.ts'
import { type Program, startProgram } from '../kit/program.ts'
import { type Belfry, poster } from './belfry.ts'

export interface Cluster {
  url: string
  databaseUrl: string
  /** How many push tokens there are. */
  devices: number
  /** More of them, or fewer; nothing may be under way. */
  resize(to: number): Promise<void>
  startWorker(options?: { nodeArgs?: string[] }): Promise<Program>
  /** A broadcast to everybody, by whatever workers there are; `pid` is whose cost is counted. */
  contestant(name: string, pid: number): Promise<Belfry>
  close(): Promise<void>
}

export interface ClusterOptions {
  expo: FakeExpo
  blanks: Blanks
  devices: number
  env?: Record<string, string>
}

export async function openCluster({ expo, blanks, devices, env = {} }: ClusterOptions): Promise<Cluster> {
  const folder = temporaryFolder()
  const databaseUrl = await blanks.database()
  const settings = { EXPO_PUSH_URL: expo.sendUrl, DATABASE_URL: databaseUrl, EXPO_RATE_LIMIT: '0', ...env }
  await insertIntoPostgres(databaseUrl, 1, devices)
  const api = await startProgram({ folder, env: { ...settings, ROLE: 'api' } })
  const cluster: Cluster = {
    url: api.url,
    databaseUrl,
    devices,
    async resize(to) {
      const from = cluster.devices
      if (to > from) await insertIntoPostgres(databaseUrl, from + 1, to)
      if (to < from) await removeFromPostgres(databaseUrl, to + 1, from)
      cluster.devices = to
    },
    startWorker: (options = {}) => startProgram({ folder, env: { ...settings, ROLE: 'worker' }, ...options }),
    async contestant(name, pid) {
      const { devices: all } = cluster
      return {
        name,
        pid,
        devices: all,
        databaseUrl,
        ...(await poster({ expo, program: api, devices: all, databaseUrl })),
        close: async () => {},
      }
    },
    async close() {
      await api.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
  return cluster
}
