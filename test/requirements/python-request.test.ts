/** The first document's third test: what its Python script sends, byte for byte, to the sandbox in Expo's place. */
import { connect } from 'node:net'
import { expect, test } from 'vitest'
import { startServer } from '../kit/server.ts'

const TOKEN = 'ExponentPushToken[your-test-token]'

/** `json.dumps` of the script's list: spaces after separators, and everything beyond ASCII escaped. */
const body =
  `[{"to": "${TOKEN}", "sound": "default", "title": "Test Notification", ` +
  '"body": "This is a test from Smriti backend", "priority": "high"}]'

/** The head that `requests` writes: its own headers first, the script's in their places or after them. */
const head = (host: string) =>
  [
    'POST /sandbox/--/api/v2/push/send HTTP/1.1',
    `Host: ${host}`,
    'User-Agent: python-requests/2.32.3',
    'Accept-Encoding: gzip, deflate',
    'Accept: application/json',
    'Connection: keep-alive',
    'Content-Type: application/json',
    `Content-Length: ${body.length}`,
  ].join('\r\n')

test('the Python script prints a ticket', async () => {
  const server = await startServer()
  try {
    const answer = await exchange(server.port, `${head(new URL(server.url).host)}\r\n\r\n${body}`)
    expect(answer).toMatch(/^HTTP\/1\.1 200 /)
    expect(answer).toMatch(/\ncontent-type: application\/json/i)
    const json = JSON.parse(answer.slice(answer.indexOf('\r\n\r\n') + 4)) as { data: unknown }
    expect(json).toEqual({ data: [{ status: 'ok', id: expect.stringMatching(/^[0-9a-f-]{36}$/) as string }] })
  } finally {
    await server.kill9()
  }
})

/** Sends the bytes and reads until as much has come as the answer says it is long. */
function exchange(port: number, bytes: string): Promise<string> {
  return new Promise((done, fail) => {
    let answer = ''
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes))
    socket.setEncoding('utf8').setTimeout(10_000, () => socket.destroy(new Error(`no whole answer: ${answer}`)))
    socket.on('error', fail)
    socket.on('data', (part: string) => {
      answer += part
      const length = Number(/\ncontent-length: (\d+)/i.exec(answer)?.[1])
      const start = answer.indexOf('\r\n\r\n') + 4
      if (start < 4 || Buffer.byteLength(answer.slice(start)) < length) return
      socket.destroy()
      done(answer)
    })
  })
}
