/** Lists are read in pages: `limit` in the query of all of them. */
import { z } from 'zod'

const MAX_PAGE = 200

export const limit = z.coerce
  .number('must be a number')
  .int('must be whole')
  .min(1, 'must be at least 1')
  .max(MAX_PAGE, `takes at most ${MAX_PAGE}`)
  .default(50)
