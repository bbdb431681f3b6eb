import type { FakeExpo } from '../../test/kit/expo.ts'
import type { Postgres } from '../../test/kit/postgres.ts'
import type { Outcome } from '../report/figures.ts'
import type { Blanks } from './blanks.ts'
import type { Progress } from './progress.ts'
import type { Size } from './size.ts'

/** What every part stands on: one fake Expo and one PostgreSQL that waits for the disk, each a process. */
export interface Ground {
  size: Size
  expo: FakeExpo
  postgres: Postgres
  blanks: Blanks
  progress: Progress
}

export interface Part {
  /** How many steps it will tell of. */
  steps(size: Size): number
  run(ground: Ground): Promise<Outcome>
}
