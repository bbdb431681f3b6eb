/**
 * Runs after `npm ci`: builds the console's pages into console/dist, and makes an empty embedded database once and
 * keeps its folder in .cache, so that the first start copies it in a fifth of a second instead of creating one in three
 * seconds with 800 MB. Never fails the install: without them the server says what is missing, or makes it itself.
 */
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

async function prepareDatabase(): Promise<void> {
  const manifest = new URL('../package.json', import.meta.resolve('@electric-sql/pglite'))
  const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }
  const folder = fileURLToPath(new URL(`../.cache/pglite-${version}`, import.meta.url))
  if (existsSync(folder)) return

  const { PGlite } = await import('@electric-sql/pglite')
  const half = `${folder}.${process.pid}`
  try {
    mkdirSync(half, { recursive: true })
    const database = await PGlite.create({ dataDir: half })
    await database.close()
    renameSync(half, folder)
  } finally {
    rmSync(half, { recursive: true, force: true })
  }
}

/** The operator's pages. Vite is there for development only; an install without it keeps what was built before. */
async function buildConsole(): Promise<void> {
  const { build } = await import('vite')
  await build({ configFile: fileURLToPath(new URL('../console/vite.config.ts', import.meta.url)) })
}

try {
  await prepareDatabase()
} catch (error) {
  console.log(`No prepared database (${(error as Error).message}); the first start will create one and take longer.`)
}
try {
  await buildConsole()
} catch (error) {
  console.log(`The console was not built (${(error as Error).message}); /console says how to build it.`)
}
process.exit(0)
