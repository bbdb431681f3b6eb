import { defineConfig } from 'vitest/config'

/** Stories start real processes; two files at a time is what two cores carry. */
export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'test/**/*.test.ts', 'client/test/**/*.test.ts'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 120_000,
    hookTimeout: 240_000,
    teardownTimeout: 60_000,
    globalSetup: ['test/kit/global-setup.ts'],
    restoreMocks: true,
    passWithNoTests: false,
  },
})
