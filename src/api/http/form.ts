/** Bodies as forms send them. */
import { type ParsedUrlQuery, parse } from 'node:querystring'
import { notUtf8 } from './json.ts'

/** What stands where bytes were no UTF-8. A form that really means this sign is refused with them: nobody titles a post so. */
const REPLACED = '\ufffd'

/** As of JSON, those that are not UTF-8 are refused, whether their bytes stand there as they are or as `%FC`. A `%` that is meant as one stays. */
export function parseForm(body: string): ParsedUrlQuery {
  const form = parse(body, '&', '=', { maxKeys: 0 })
  if (JSON.stringify(form).includes(REPLACED)) throw notUtf8()
  return form
}
