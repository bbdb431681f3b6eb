/** What Docker would be given of the project: .dockerignore lists what it lets through. */
import { cpSync, existsSync, mkdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

const project = join(import.meta.dirname, '..', '..')

export function copyContext(into: string): void {
  const lines = readFileSync(join(project, '.dockerignore'), 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
  if (lines[0] !== '*') throw new Error('.dockerignore no longer begins with leaving everything out')
  const out = lines.filter((line) => !line.startsWith('!')).map((line) => join(project, line))
  for (const path of lines.filter((line) => line.startsWith('!')).map((line) => line.slice(1))) {
    if (!existsSync(join(project, path))) throw new Error(`.dockerignore lets ${path} through, which is not there`)
    mkdirSync(dirname(join(into, path)), { recursive: true })
    cpSync(join(project, path), join(into, path), { recursive: true, filter: (source) => !out.includes(source) })
  }
}
