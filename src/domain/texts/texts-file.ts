/** What TEXTS_FILE may hold: `{"default": {"post": {"title", "body"}, …}, "de": {…}}`. All its faults are told at once. */
import { defaultTexts, messageTypes, type Text, type TextKind, type Texts, type Wordings } from './texts.ts'

const placeholdersOf: Record<TextKind, string[]> = {
  post: ['username', 'title', 'app'],
  text: ['sender', 'content', 'app'],
  zoom_link: ['sender', 'content', 'app'],
  form_link: ['sender', 'content', 'app'],
  status_update: ['sender', 'content', 'app'],
}
/** A wording that is longer would not be read on a lock screen. */
const MAX_WORDING_LENGTH = 300

export function readTexts(json: unknown, appName: string): { texts: Texts; faults: string[] } {
  const texts = defaultTexts(appName)
  const faults: string[] = []
  if (!isObject(json)) return { texts, faults: ['expected an object with locales as keys'] }
  for (const [key, value] of Object.entries(json)) {
    const locale = key === 'default' ? key : canonicalLocale(key)
    if (locale === undefined) faults.push(`"${key}" is not a locale; expected "default" or one like "de" or "pt-BR"`)
    const wordings = readWordings(key, value, faults)
    if (locale === 'default') texts.byDefault = { ...texts.byDefault, ...wordings }
    else if (locale !== undefined) texts.byLocale[locale] = wordings
  }
  return { texts, faults }
}

function readWordings(locale: string, value: unknown, faults: string[]): Partial<Wordings> {
  if (!isObject(value)) {
    faults.push(`"${locale}": expected an object with kinds as keys`)
    return {}
  }
  const wordings: Partial<Wordings> = {}
  for (const [kind, text] of Object.entries(value)) {
    if (!isKind(kind)) {
      faults.push(`"${locale}.${kind}": unknown; expected post, ${messageTypes.join(', ')}`)
      continue
    }
    const found = checkText(kind, text)
    faults.push(...found.map((fault) => `"${locale}.${kind}": ${fault}`))
    if (found.length === 0) wordings[kind] = text as Text
  }
  return wordings
}

function checkText(kind: TextKind, text: unknown): string[] {
  if (!isObject(text) || typeof text.title !== 'string' || typeof text.body !== 'string')
    return ['expected {"title": "…", "body": "…"}']
  const { title, body, ...others } = text
  const faults = Object.keys(others).map((key) => `"${key}" is unknown; expected title and body`)
  for (const wording of [title, body] as string[]) {
    if (wording.length === 0 || wording.length > MAX_WORDING_LENGTH)
      faults.push(`title and body take 1 to ${MAX_WORDING_LENGTH} characters`)
    if (!wording.isWellFormed() || wording.includes('\0')) faults.push('holds a character that is not text')
    for (const [whole, name] of wording.matchAll(/\{(\w+)\}/g))
      if (!placeholdersOf[kind].includes(name ?? ''))
        faults.push(`${whole} is unknown here; expected ${placeholdersOf[kind].map((one) => `{${one}}`).join(' ')}`)
  }
  return faults
}

function canonicalLocale(tag: string): string | undefined {
  try {
    return Intl.getCanonicalLocales(tag)[0]
  } catch {
    return undefined
  }
}

function isKind(kind: string): kind is TextKind {
  return Object.hasOwn(placeholdersOf, kind)
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
