/**
 * What the phones show for posts and messages. The defaults are the documents' own words; a team's texts, by locale,
 * come from TEXTS_FILE. Pure: whoever reads the file hands its JSON in.
 */
import { cutText } from './graphemes.ts'

export const messageTypes = ['text', 'zoom_link', 'form_link', 'status_update'] as const
export type MessageType = (typeof messageTypes)[number]
export type TextKind = 'post' | MessageType
export interface Text {
  title: string
  body: string
}
type Values = Record<string, string>
export type Wordings = Record<TextKind, Text>

/** The default wordings, and those of other locales (canonical tags); a kind that a locale lacks is said as by default. */
export interface Texts {
  appName: string
  byDefault: Wordings
  byLocale: Record<string, Partial<Wordings>>
}

export interface Worded extends Text {
  localized?: Record<string, Text>
}

/** Graphemes of a post's title or a message's content that a notification shows. */
const MAX_SHOWN_GRAPHEMES = 140
/** Long enough for any name; the rest of the title has to stay readable on a lock screen. */
const MAX_NAME_GRAPHEMES = 60
const MAX_NAME_BYTES = 300

const defaults: Wordings = {
  post: { title: 'New Reflection from {username}', body: '{title}' },
  text: { title: '💬 New Message', body: '{sender}: {content}' },
  zoom_link: { title: '🎥 Interview Scheduled!', body: '{sender} scheduled an interview. Tap to see when.' },
  form_link: { title: '📝 Test Assigned!', body: '{sender} assigned you a test. Tap to open it.' },
  status_update: { title: '📋 Status Update', body: '{content}' },
}

export function defaultTexts(appName: string): Texts {
  return { appName, byDefault: defaults, byLocale: {} }
}

export function postText(texts: Texts, post: { username: string | null; title: string }): Worded {
  return word(texts, 'post', { username: shownName(post.username), title: shown(post.title) })
}

export function messageText(
  texts: Texts,
  type: MessageType,
  message: { sender: string | null; content: string },
): Worded {
  return word(texts, type, { sender: shownName(message.sender), content: shown(message.content) })
}

export function testText(texts: Texts): Text {
  return { title: 'Test Notification', body: `This is a test from ${texts.appName} backend` }
}

function word(texts: Texts, kind: TextKind, values: Values): Worded {
  const all = { ...values, app: texts.appName }
  const worded: Worded = fill(texts.byDefault[kind], all)
  const localized = Object.entries(texts.byLocale).flatMap(([locale, wordings]) => {
    const text = wordings[kind]
    return text === undefined ? [] : [[locale, fill(text, all)] as const]
  })
  if (localized.length > 0) worded.localized = Object.fromEntries(localized)
  return worded
}

/** One pass, so that a `{sender}` which somebody typed into a message stays what they typed. */
function fill(text: Text, values: Values): Text {
  const put = (template: string) => template.replace(placeholders, (whole, name: string) => values[name] ?? whole)
  return { title: cutText(put(text.title), 300, 500), body: cutText(put(text.body), 500) }
}

const placeholders = /\{(\w+)\}/g
const shown = (text: string) => cutText(text, MAX_SHOWN_GRAPHEMES)
const shownName = (name: string | null) => cutText(name || 'Someone', MAX_NAME_GRAPHEMES, MAX_NAME_BYTES)
