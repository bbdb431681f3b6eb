/** `belfry audit`: who did what to whom. */
import { told } from '../times.ts'
import { columns, plain, print, server } from './remote.ts'

interface Entry {
  id: string
  at: string
  actor: string
  action: string
  subject: string
  detail: Record<string, unknown>
}

interface Asked {
  actor?: string
  action?: string
  subject?: string
  limit: string
  before?: string
  json?: boolean
}

export async function listAudit({ json, ...asked }: Asked): Promise<void> {
  const query = new URLSearchParams(asked as unknown as Record<string, string>)
  const answer = await server().call<{ entries: Entry[]; next: string | null }>(
    'GET',
    `/api/operator/audit?${query.toString()}`,
  )
  print(json, answer, () =>
    columns([
      ['ID', 'WHEN', 'WHO', 'DID', 'TO', 'MORE'],
      ...answer.entries.map((one) => [
        one.id,
        told(one.at),
        plain(one.actor),
        one.action,
        plain(one.subject),
        plain(wordsOf(one.detail)),
      ]),
    ]),
  )
}

function wordsOf(detail: Record<string, unknown>): string {
  return Object.entries(detail)
    .filter(([, value]) => value !== null && value !== '')
    .map(([name, value]) => `${name}: ${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join(', ')
}
