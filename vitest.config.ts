import { defineConfig } from 'vitest/config'

/** Stories start real processes; two files at a time is what two cores carry. */
export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'test/**/*.test.ts', 'client/test/**/*.test.ts'],
    pool: 'forks',
    maxWorkers: 2,
    // Only what hangs meets these: a machine that many share may be ten times as slow as one that nobody else uses.
    testTimeout: 400_000,
    hookTimeout: 400_000,
    teardownTimeout: 60_000,
    globalSetup: ['test/kit/global-setup.ts'],
    restoreMocks: true,
    passWithNoTests: false,
  },
})
