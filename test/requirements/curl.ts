/**
 * Stands in for curl where there is none: the options that the documents' commands use, sending the bytes that curl
 * sends for them.
 */
import { request } from 'node:http'

const options = {
  method: 'GET',
  url: '',
  headers: ['User-Agent: curl/8.0.0', 'Accept: */*'],
  data: undefined as string | undefined,
}
const args = process.argv.slice(2)
for (let at = 0; at < args.length; at++) {
  const value = args[at + 1]!
  if (args[at] === '-X') options.method = value
  else if (args[at] === '-H') options.headers.push(value)
  else if (args[at] === '-d') options.data = value
  else if (args[at] === '-s') continue
  else {
    options.url = args[at]!
    continue
  }
  at++
}

const headers: Record<string, string> = {}
for (const line of options.headers) {
  const colon = line.indexOf(':')
  headers[line.slice(0, colon)] = line.slice(colon + 1).trim()
}
if (options.data !== undefined) {
  headers['Content-Type'] ??= 'application/x-www-form-urlencoded'
  headers['Content-Length'] = String(Buffer.byteLength(options.data))
}
request(options.url, { method: options.method, headers }, (response) => {
  // As curl does it with --fail.
  if (process.env.CURL_FAILS === 'true' && (response.statusCode ?? 0) >= 400) process.exitCode = 22
  response.pipe(process.stdout)
}).end(options.data)
