import { whyNotJson } from '../../domain/not-json.ts'
import { CommandFault } from '../fault.ts'
import { timeOf, told } from '../times.ts'
import { endOf, exitCodeOf, follow } from './progress.ts'
import { columns, count, print, server } from './remote.ts'

interface SendOptions {
  to: string
  title?: string
  body?: string
  data?: string
  options?: string
  except?: string
  ttl?: string
  at?: string
  dryRun?: boolean
  wait: boolean
  json?: boolean
}

interface DryRun {
  audience: Record<'devices' | 'ios' | 'android' | 'unknown' | 'suspended', number>
  seconds: number | null
}

/** Sends, and stays until the last device has been sent to; its exit code says how it went. */
export async function send(options: SendOptions): Promise<void> {
  const remote = server()
  const body = bodyOf(options)
  if (options.dryRun) {
    const answer = await remote.call<DryRun>('POST', '/api/notifications', { ...body, dry_run: true })
    const rows = Object.entries(answer.audience).map(([name, devices]) => [name, count(devices)])
    return print(options.json, answer, () => columns(rows))
  }
  const made = await remote.call<{ notification_id: string }>('POST', '/api/notifications', body)
  if (!options.wait || body.send_at !== undefined)
    return print(
      options.json,
      made,
      () => `${made.notification_id}${body.send_at === undefined ? '' : ` goes out at ${told(body.send_at)}`}`,
    )
  const quiet = options.json === true || !process.stderr.isTTY
  if (!options.json) process.stderr.write(`${made.notification_id}\n`)
  const end = await follow(remote, made.notification_id, quiet)
  print(options.json, { ...made, ...end }, () => endOf(end))
  process.exitCode = exitCodeOf(end)
}

function bodyOf(options: SendOptions): Record<string, unknown> & { send_at?: string } {
  return {
    to: audienceOf(options.to),
    ...(options.title !== undefined && { title: options.title }),
    ...(options.body !== undefined && { body: options.body }),
    ...(options.data !== undefined && { data: objectOf('--data', options.data) }),
    ...(options.options !== undefined && { options: objectOf('--options', options.options) }),
    ...(options.except !== undefined && { except: options.except.split(',') }),
    ...(options.ttl !== undefined && { ttl: Number(options.ttl) }),
    ...(options.at !== undefined && { send_at: timeOf(options.at) }),
  }
}

/** `everyone`, `topic:news`, or ids of users with commas between them. */
function audienceOf(to: string): unknown {
  if (to === 'everyone') return to
  if (to.startsWith('topic:')) return { topic: to.slice('topic:'.length) }
  return {
    users: to
      .replace(/^users?:/, '')
      .split(',')
      .filter((id) => id !== ''),
  }
}

function objectOf(option: string, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    const why = whyNotJson(text) ?? 'it cannot be read'
    throw new CommandFault(`${option} is not JSON: ${why}. Expected something like '{"screen": "home"}'.`)
  }
}
