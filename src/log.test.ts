import { expect, test, vi } from 'vitest'
import { logFacts, openLog } from './log.ts'

test('of what is met over and over while the database is away, each sentence is told once a second', () => {
  const lines: string[] = []
  const emit = logFacts(openLog('info', { write: (line) => void lines.push(JSON.parse(line).msg) }))
  const now = vi.spyOn(performance, 'now')
  for (const ms of [1_000, 1_300, 1_999, 2_000, 2_500]) {
    now.mockReturnValue(ms)
    emit('database.error', { error: 'away' })
    emit('queue.error', { error: 'away' })
  }
  emit('database.error', { error: 'refused' })
  const [database, queue] = ['The database connection met an error: away', 'The queue met an error: away']
  expect(lines).toEqual([database, queue, database, queue, 'The database connection met an error: refused'])
})
