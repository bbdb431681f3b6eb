/** Somebody who writes message after message while the server stops or dies, and remembers which were accepted. */
import type { World } from '../kit/world.ts'

/** @param said what was answered with 200: the phone that must hear it, by notification. */
export function talk(world: World, said: Map<string, string>): { stop(): Promise<void> } {
  let talking = true
  const spoken = (async () => {
    for (let n = 0; talking; n++) {
      const receiver = `crowd-${(n % 50) + 1}`
      const answer = await world
        .user('talker')
        .message(receiver, `Number ${n}`)
        .catch(() => undefined)
      if (answer?.status === 200) said.set(answer.body.notification_id, `ExponentPushToken[${receiver}]`)
      // Who was refused tries again after a moment.
      else await new Promise((resume) => setTimeout(resume, 20))
    }
  })()
  return {
    async stop() {
      talking = false
      await spoken
    },
  }
}
