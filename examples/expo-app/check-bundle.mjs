/** Looks whether the exported bundles hold the client, and says how large they are. */
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'

const folder = join(import.meta.dirname, 'dist', '_expo', 'static', 'js')
// Texts that only the client has; compiled to bytecode they stay readable.
const marks = ['belfry.', '/api/users/push-token', '/opened', 'useBelfry needs a BelfryProvider']
for (const platform of ['android', 'ios']) {
  const [name] = readdirSync(join(folder, platform)).filter((file) => /\.(hbc|js)$/.test(file))
  const path = join(folder, platform, name)
  const text = readFileSync(path, 'latin1')
  const missing = marks.filter((mark) => !text.includes(mark))
  if (missing.length > 0) throw new Error(`${platform}: the bundle lacks ${missing.join(', ')}`)
  process.stdout.write(`${platform}: ${name}, ${(statSync(path).size / 1e6).toFixed(1)} MB, with the client in it\n`)
}
