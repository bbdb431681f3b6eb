import { defineConfig } from 'vitest/config'

/** Stories start real processes; two files at a time is what two cores carry. */
export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'test/**/*.test.ts', 'client/test/**/*.test.ts'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 90_000,
    teardownTimeout: 30_000,
    globalSetup: ['test/kit/global-setup.ts'],
    restoreMocks: true,
    passWithNoTests: false,
  },
})
