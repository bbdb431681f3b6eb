/**
 * What Expo said about one recipient, and what we conclude from it. The one table about Expo's codes is here;
 * the engine has no `if` about Expo.
 */

/** Expo's no; not every one names the push token that it is about. */
export interface ExpoError {
  status: 'error'
  code: string | null
  message: string
  pushToken?: string
}

/** Expo's answer to one recipient of a request. */
export type Ticket = { status: 'ok'; id: string } | ExpoError

/** Expo's later word on an accepted ticket: handed to Apple or Google, or not. */
export type Receipt = { status: 'ok' } | ExpoError

/** What becomes of the push token: kept, retired (this token is dead) or suspended (the app's credentials are). */
export type TokenFate = 'keep' | 'retire' | 'suspend'

export interface Rule {
  fate: TokenFate
  /** Whether the same recipient may be tried again; what cannot succeed later is final. */
  again: boolean
  /** What the person who reads it should do. */
  hint: string
}

/** Every code in Expo's documentation and in its SDK's types; both stages share one set of codes. */
const onExpoError: Record<string, Rule> = {
  DeviceNotRegistered: {
    fate: 'retire',
    again: false,
    hint: 'The app was uninstalled or its permission withdrawn; the token comes back when the app registers it again.',
  },
  MessageTooBig: { fate: 'keep', again: false, hint: 'Title, body and data together exceed 4,096 bytes.' },
  MessageRateExceeded: {
    fate: 'keep',
    again: false,
    hint: 'Too many notifications to this one device; send fewer.',
  },
  InvalidCredentials: {
    fate: 'suspend',
    again: false,
    hint: "The app's Apple or Google push key is missing or revoked; renew it in the project's credentials at Expo.",
  },
  MismatchSenderId: {
    fate: 'keep',
    again: false,
    hint: "The Google key does not belong to the app's google-services.json; upload the right one at Expo.",
  },
  DeveloperError: { fate: 'keep', again: false, hint: 'Expo names a fault in the request; its message says which.' },
  ExpoError: { fate: 'keep', again: false, hint: 'A fault at Expo; sending the notification again may work.' },
  ProviderError: { fate: 'keep', again: false, hint: 'A fault at Apple or Google; sending again may work.' },
}

/** An unknown code is final for this recipient, costs nobody a token, and never loops. */
const unknownError: Rule = {
  fate: 'keep',
  again: false,
  hint: 'Expo gave no code, or one that this version does not know.',
}

/** For counting: whatever Expo may invent, there are only so many. */
export function knownCode(code: string | null): string {
  return code !== null && Object.hasOwn(onExpoError, code) ? code : 'other'
}

export function ruleFor(code: string | null): Rule {
  return (code !== null && Object.hasOwn(onExpoError, code) ? onExpoError[code] : undefined) ?? unknownError
}
