/**
 * Only for the type-checker: the real packages fit the doors that the client knows, and so does the fake of its tests;
 * the numbers and words that both take for granted are the real ones.
 */

import type { Notifications } from '@belfry/expo'
import * as application from 'expo-application'
import * as constants from 'expo-constants'
import * as device from 'expo-device'
import * as localization from 'expo-localization'
import * as real from 'expo-notifications'
import * as store from 'expo-secure-store'
import { AppState, Platform } from 'react-native'
import type { Packages } from '../../../client/src/packages'
import type { FakeNotifications } from '../../../client/test/fake-notifications'

export const packages: Required<Packages> = {
  notifications: real,
  native: { Platform, AppState },
  store,
  constants,
  device,
  application,
  localization,
}

type FakeModule = FakeNotifications['module']
export const fakeFits = (fake: FakeModule): Notifications => fake
/** Every function of the fake is one of the real package. */
export type Strangers = Exclude<keyof FakeModule, keyof typeof real>
export const strangers: [Strangers] extends [never] ? true : Strangers = true

/** What the real package hands over is what the client takes. */
export const tapped = (
  response: real.NotificationResponse,
): Parameters<Parameters<Notifications['addNotificationResponseReceivedListener']>[0]>[0] => response
export const asked: Parameters<typeof real.requestPermissionsAsync>[0] = {
  ios: { allowAlert: true, allowBadge: true, allowSound: true, allowProvisional: true },
}
export const importanceMax = real.AndroidImportance.MAX satisfies 7
export const provisional = real.IosAuthorizationStatus.PROVISIONAL satisfies 3
export const defaultAction: string = real.DEFAULT_ACTION_IDENTIFIER
