/** Runs the documents' commands as they are written, with only the host and the bearer token filled in. */
import { execFile } from 'node:child_process'
import { accessSync, constants, readFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'

const hosts = ['https://smriti-backend-r293.onrender.com', 'https://your-backend-url.com']

export function fixture(name: string): string {
  return readFileSync(join(import.meta.dirname, 'fixtures', name), 'utf8')
}

/** Real curl where the machine has it, and always the stand-in. */
export const curls: ('curl' | 'stand-in')[] = isInstalled('curl') ? ['curl', 'stand-in'] : ['stand-in']

/** Runs the command in a shell; answers what it printed. */
export async function runDocumentsCommand(
  name: string,
  { url, token = '', curl }: { url: string; token?: string; curl: 'curl' | 'stand-in' },
): Promise<unknown> {
  let command = fixture(name).replace('YOUR_TOKEN', token)
  for (const host of hosts) command = command.replace(host, url)
  const path =
    curl === 'curl' ? process.env.PATH : `${join(import.meta.dirname, 'stand-in')}${delimiter}${process.env.PATH}`
  // Without a terminal curl shows its progress on stderr; it belongs to nobody here.
  const env = { ...process.env, PATH: path, NODE: process.execPath }
  const { stdout } = await promisify(execFile)('/bin/sh', ['-c', command], { env })
  return JSON.parse(stdout)
}

function isInstalled(program: string): boolean {
  return (process.env.PATH ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}
