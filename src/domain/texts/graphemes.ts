/** Cutting text where a reader would: between graphemes, so that no emoji or accent is torn apart. */

const segmenter = new Intl.Segmenter('en', { granularity: 'grapheme' })
const encoder = new TextEncoder()

/** Expo refuses more than 4,096 bytes for title, body and data together; this leaves room for title and data. */
export const MAX_BODY_BYTES = 3_400

/** At most `limit` graphemes, the last one `…` when something was cut, and never more than `maxBytes` in UTF-8. */
export function cutText(text: string, limit: number, maxBytes = MAX_BODY_BYTES): string {
  const room = text.slice(0, maxBytes + 1)
  const kept: string[] = []
  for (const { segment } of segmenter.segment(room)) {
    kept.push(segment)
    if (kept.length > limit) return shorten(kept, limit - 1, maxBytes)
  }
  if (room.length === text.length && encoder.encode(text).length <= maxBytes) return text
  return shorten(kept, limit - 1, maxBytes)
}

function shorten(graphemes: string[], limit: number, maxBytes: number): string {
  let bytes = encoder.encode('…').length
  let text = ''
  for (const grapheme of graphemes.slice(0, limit)) {
    bytes += encoder.encode(grapheme).length
    if (bytes > maxBytes) break
    text += grapheme
  }
  return `${text}…`
}
