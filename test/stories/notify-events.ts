/** The stream of a notification's events, read to its end. */
import { OPERATOR_KEY } from '../kit/server.ts'
import type { World } from '../kit/world.ts'

export async function eventsOf<T>(world: World, id: string): Promise<{ id: string; data: T }[]> {
  const response = await fetch(`${world.server.url}/api/notifications/${id}/events`, {
    headers: { authorization: `Bearer ${OPERATOR_KEY}` },
  })
  const blocks = (await response.text()).split('\n\n')
  return blocks.flatMap((block) => {
    const [, event] = /^id: (.+)$/m.exec(block) ?? []
    const [, data] = /^data: (.+)$/m.exec(block) ?? []
    return event === undefined || data === undefined ? [] : [{ id: event, data: JSON.parse(data) as T }]
  })
}
