/** Broadcasts that keep Expo's limit, which is the default. */
import type { FakeExpo } from '../../test/kit/expo.ts'
import type { Belfry } from '../contestants/belfry.ts'

/** What Expo takes of one project in a second. */
export const EXPO_LIMIT = 600
/** A broadcast must outlast what is measured beside it, and the look at what came of that. */
const SPARE_SECONDS = 15

/** Devices enough for a broadcast that lasts longer than so many milliseconds. */
export const crowdFor = (ms: number): number => Math.ceil(EXPO_LIMIT * (ms / 1_000 + SPARE_SECONDS))

/** @returns when the broadcast has its full speed. */
export async function beginAtLimit(expo: FakeExpo, program: Belfry): Promise<void> {
  await program.post()
  await expo.untilTaken(2 * EXPO_LIMIT)
}
