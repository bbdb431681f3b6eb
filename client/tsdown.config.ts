import { defineConfig } from 'tsdown'

/** The server's types are written into the package's own; everything an Expo app brings stays outside. */
export default defineConfig({
  entry: ['src/index.ts'],
  format: 'esm',
  platform: 'neutral',
  target: 'es2022',
  dts: true,
  minify: true,
  // A problem ends the build.
  publint: { level: 'warning', strict: true },
  attw: { profile: 'esm-only', level: 'error' },
})
