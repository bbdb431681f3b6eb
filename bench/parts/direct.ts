/** What one person notices: how soon their message leaves, how many can write at once, how long their POST takes. */
import type { Part } from '../kit/part.ts'
import { measurePosts, postsSteps } from './posts.ts'
import { measureRates, ratesSteps } from './rates.ts'
import { measureReach, reachSteps } from './reach.ts'

export const direct: Part = {
  steps: ({ rounds }) => reachSteps + ratesSteps(rounds) + postsSteps,
  async run(ground) {
    const reach = await measureReach(ground)
    const rates = await measureRates(ground)
    const posts = await measurePosts(ground)
    return { groups: [reach, ...rates, posts.group], aims: posts.aims }
  },
}
