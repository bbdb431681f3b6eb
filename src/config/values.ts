/** The kinds of value a setting can have. Each says what is wrong and what is expected, and no secret is repeated. */
import { isIP } from 'node:net'
import { z } from 'zod'

/** Reads one value, or says why not. */
export function value<T>(read: (text: string) => T | { fault: string }) {
  return z.string().transform((raw, context): T => {
    const result = read(raw.trim())
    if (typeof result !== 'object' || result === null || !('fault' in result)) return result as T
    context.addIssue({ code: 'custom', message: result.fault })
    return z.NEVER
  })
}

export function number(least: number, most: number) {
  return value<number>((text) => {
    const parsed = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN
    if (parsed >= least && parsed <= most) return parsed
    return { fault: `"${short(text)}" does not fit; expected a whole number from ${least} to ${most}` }
  })
}

export function flag() {
  return value<boolean>((text) => {
    if (/^(true|1|yes)$/i.test(text)) return true
    if (/^(false|0|no)$/i.test(text)) return false
    return { fault: `"${short(text)}" is neither; expected true, false, 1, 0, yes or no` }
  })
}

export function plain(pattern = /^[^\0]{1,1000}$/, expected = 'text') {
  return value<string>((text) =>
    pattern.test(text) ? text : { fault: `"${short(text)}" does not fit; expected ${expected}` },
  )
}

export function oneOf<const T extends string>(words: readonly T[]) {
  return value<T>((text) => {
    const word = words.find((one) => one === text.toLowerCase())
    return word ?? { fault: `"${short(text)}" is unknown; expected ${words.join(', ')}` }
  })
}

/** A secret as it is, blanks at its ends aside; visible ASCII unless said otherwise, because it travels in a header. */
export function secret(leastBytes: number, pattern = /^[!-~]+$/) {
  return value<string>((text) => {
    const bytes = Buffer.byteLength(text)
    if (bytes < leastBytes)
      return { fault: `too weak with ${bytes} bytes; expected at least ${leastBytes} random ones` }
    return pattern.test(text) ? text : { fault: 'holds blanks or unusual characters; expected visible ASCII' }
  })
}

export function host() {
  return value<string>((text) =>
    isIP(text) > 0 || /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/i.test(text)
      ? text
      : { fault: `"${short(text)}" is not a host; expected an IP address or a host name` },
  )
}

export function httpUrl(path?: RegExp, expectedPath?: string) {
  return value<string>((text) => {
    const url = URL.canParse(text) ? new URL(text) : undefined
    if (url === undefined) return { fault: 'not a URL; expected http:// or https://' }
    if (!/^https?:$/.test(url.protocol)) return { fault: `begins with ${url.protocol}; expected http:// or https://` }
    if (url.username !== '' || url.password !== '') return { fault: 'holds a user name or password; expected none' }
    if (url.hash !== '') return { fault: 'holds a #fragment; expected none' }
    if (path === undefined) return url.href
    if (url.search !== '' || !path.test(url.pathname)) return { fault: `does not fit; expected ${expectedPath}` }
    return url.href
  })
}

export function postgresUrl() {
  return value<string>((text) => {
    if (/^postgres(ql)?:/i.test(text) && URL.canParse(withHost(text))) return text
    return { fault: 'not a PostgreSQL address; expected postgres://user:password@host:5432/database' }
  })
}

/** Sockets, such as Cloud SQL's, are named by `?host=`, and nothing stands where other addresses have their host. */
const withHost = (postgres: string) => postgres.replace('@/', '@socket/')

/** Where a database is, for people to read. */
export function placeOfPostgres(address: string): { host: string; name: string } {
  const url = new URL(withHost(address))
  return { host: url.searchParams.get('host') ?? url.host, name: url.pathname.slice(1) }
}

const claimPath = /^[A-Za-z0-9_:/-]+(\.[A-Za-z0-9_:/-]+){0,5}$/

export function claim() {
  return plain(claimPath, 'the name of a claim, dots between its levels, such as sub or user_metadata.name')
}

export function claims() {
  return value<string[]>((text) => {
    const names = text.split(',').map((name) => name.trim())
    if (names.length <= 10 && names.every((name) => claimPath.test(name))) return names
    return { fault: `"${short(text)}" does not fit; expected names of claims with commas between them` }
  })
}

/** Several of a thing, commas between them. */
export function words() {
  return value<string[]>((text) => {
    const all = text.split(',').map((word) => word.trim())
    if (all.length <= 20 && all.every((word) => /^[!-~]{1,300}$/.test(word))) return all
    return { fault: `"${short(text)}" does not fit; expected visible ASCII, commas between several` }
  })
}

/** Web pages by their origins, exactly as browsers send them. */
export function origins() {
  return value<string[]>((text) => {
    const all = text.split(',').map((one) => one.trim())
    if (all.length > MOST_ORIGINS) return { fault: `holds more than ${MOST_ORIGINS}; expected fewer` }
    for (const one of all) {
      if (one.includes('*'))
        return { fault: `"${short(one)}" would let pages of strangers in; expected each origin, such as ${ORIGIN}` }
      const url = URL.canParse(one) ? new URL(one) : undefined
      if (url === undefined || !/^https?:$/.test(url.protocol))
        return { fault: `"${short(one)}" is not an origin; expected something like ${ORIGIN}` }
      if (url.origin !== one)
        return { fault: `"${short(one)}" is not what a browser sends; expected ${short(url.origin)}` }
    }
    return all
  })
}

const MOST_ORIGINS = 100
const ORIGIN = 'https://app.example.com'

/** Whom to believe about the address of others: so many hops, or these proxies. */
export function proxies() {
  return value<number | string[]>((text) => {
    if (/^\d{1,2}$/.test(text)) return Number(text)
    const all = text.split(',').map((one) => one.trim())
    const wrong = all.find((one) => !isNetwork(one))
    if (wrong === undefined) return all
    return {
      fault: `"${short(wrong)}" does not fit; expected the number of proxies, or their addresses, such as 10.0.0.0/8, with commas between them`,
    }
  })
}

/** One that takes in everybody would believe what everybody says. */
function isNetwork(text: string): boolean {
  const [, address = '', bits] = /^([^/]*)(?:\/(\d{1,3}))?$/.exec(text) ?? []
  const version = isIP(address)
  if (version === 0 || address.includes('%')) return false
  return bits === undefined || (Number(bits) >= 1 && Number(bits) <= (version === 4 ? 32 : 128))
}

function short(text: string): string {
  return text.length > 60 ? `${text.slice(0, 60)}…` : text
}
