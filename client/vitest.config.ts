import { join } from 'node:path'
import { defineConfig } from 'vitest/config'

/** The client's tests alone; `npm test` in the project runs them with all others. */
export default defineConfig({
  root: join(import.meta.dirname, '..'),
  test: {
    include: ['client/test/**/*.test.ts'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 90_000,
    globalSetup: ['test/kit/global-setup.ts'],
    restoreMocks: true,
  },
})
