/** Every error, whoever notices it, has one shape, one code of one table, and no internals. */
import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type FaultCode, faults } from '../../src/api/http/faults.ts'
import { bearer, openApi } from './world.ts'

let world: Awaited<ReturnType<typeof openApi>>
let authorization: string
beforeAll(async () => {
  world = await openApi()
  authorization = await bearer('ana', 'Ana')
})
afterAll(() => world.close())

test('docs/errors.md is the table', async () => {
  const rows = Object.entries(faults).map(
    ([code, [status, sentence, hint]]) => `| \`${code}\` | ${status} | ${sentence} | ${hint} |`,
  )
  const page = [
    '# Errors',
    '',
    'Every error, on every route: `{"success": false, "error": "<a sentence>", "code": "<word>", "hint"?}`. The sentence and',
    'the hint may say it more exactly than here; the code is what programs should look at. 503 and 429 carry',
    '`Retry-After`. A test push answers with 200 or 202 and one of the last four codes when no device was reached.',
    '',
    '| code | status | error | hint |',
    '|---|---|---|---|',
    ...rows,
    '',
  ].join('\n')
  await expect(page).toMatchFileSnapshot('../../docs/errors.md')
})

interface Ask {
  method?: string
  body?: string | Buffer<ArrayBuffer>
  type?: string
}

async function ask(path: string, { method = 'POST', body, type = 'application/json' }: Ask = {}) {
  const headers = { authorization, ...(body !== undefined && { 'content-type': type }) }
  const response = await fetch(`${world.url}${path}`, { method, headers, body })
  return { status: response.status, body: (await response.json()) as Record<string, unknown> }
}

async function expectFault(answer: Promise<{ status: number; body: unknown }>, code: FaultCode, error?: unknown) {
  const { status, body } = await answer
  expect(body).toMatchObject({ success: false, code, ...(error !== undefined && { error }) })
  expect((body as { error: unknown }).error).toBeTypeOf('string')
  expect(status).toBe(faults[code][0])
}

const post = '/api/posts/'
const token = '/api/users/push-token'
const message = '/message/send-message'
const whole = { title: 'a', text_content: 'b', content_type: 'note' }

describe('what is asked', () => {
  test('nowhere', async () => {
    expect.hasAssertions()
    await expectFault(ask('/nowhere'), 'not_found', 'There is no POST /nowhere here')
    await expectFault(ask(message, { method: 'GET' }), 'not_found')
    await expectFault(ask('/nowhere', { body: 'x', type: 'multipart/form-data' }), 'not_found')
    await expectFault(ask('/%E0%A4%A', { method: 'GET' }), 'bad_url')
    await expectFault(ask(`/message/${'x'.repeat(600)}`, { method: 'GET' }), 'url_too_long')
    for (const id of ['x', '018f0000-0000-7000-8000-000000000000']) {
      await expectFault(
        ask(`/message/${id}`, { method: 'GET' }),
        'not_found',
        'There is no message with this id for you',
      )
      await expectFault(ask(`/api/posts/${id}`, { method: 'GET' }), 'not_found', 'There is no post with this id')
    }
  })

  test('in a body that cannot be read', async () => {
    const notJson = (body: string, why: string) =>
      expectFault(ask(post, { body }), 'bad_json', `The body is not JSON: ${why}`)
    await notJson('{"title": ', 'it ends too early')
    await notJson('', 'it is empty')
    await notJson('{"title": "a",\n "text_content": "b" "c": 1}', 'it goes wrong at line 2, column 22')
    await notJson('{"title": secret}', '"s" is not expected there')
    await expectFault(ask(post, { body: '{"__proto__": {"a": 1}}' }), 'bad_json', 'The body cannot be read')
    await expectFault(ask(post), 'malformed', 'The body must be an object')
    await expectFault(ask(post, { body: 'null' }), 'malformed', 'The body must be an object')
    await expectFault(ask(post, { body: '[]' }), 'malformed', 'The body must be an object')
    await expectFault(ask(post, { body: 'x', type: 'text/plain' }), 'media_type')
    const { body } = await ask(post, { body: 'x', type: 'multipart/form-data; boundary=x' })
    expect(body.hint).toMatch(/application\/json.*application\/x-www-form-urlencoded/)
    await expectFault(ask(token, { body: 'a=b', type: 'application/x-www-form-urlencoded' }), 'media_type')
    await expectFault(ask(post, { body: JSON.stringify({ ...whole, text_content: 'x'.repeat(300_000) }) }), 'too_large')
  })

  test('in another encoding than UTF-8', async () => {
    expect.hasAssertions()
    const body = Buffer.from(JSON.stringify({ ...whole, title: 'Grüße' }), 'latin1')
    await expectFault(ask(post, { body }), 'bad_json', 'The body is not UTF-8')
    expect((await ask(post, { body: JSON.stringify({ ...whole, title: 'Grüße \ufffd' }) })).body.post).toMatchObject({
      title: 'Grüße \ufffd',
    })
    const form = (title: string, encoding: 'utf8' | 'latin1' = 'utf8') => {
      const bytes = Buffer.from(`title=${title}&text_content=&content_type=note`, encoding)
      return ask(post, { body: bytes, type: 'application/x-www-form-urlencoded' })
    }
    await expectFault(form('Grüße', 'latin1'), 'bad_json', 'The body is not UTF-8')
    for (const title of ['Gr%FC%DFe', '100% Gr%FC%DFe', 'Gr%C3', 'x&more=%FC', 'x&%FC=more'])
      await expectFault(form(title), 'bad_json', 'The body is not UTF-8')
    for (const title of ['Grüße', 'Gr%C3%BC%C3%9Fe', 'Gr%C3%BCße'])
      expect((await form(title)).body.post).toMatchObject({ title: 'Grüße' })
    expect((await form('100% Gr%C3%BC%C3%9Fe,+%zz%26%')).body.post).toMatchObject({ title: '100% Grüße, %zz&%' })
    expect((await form('')).body).toMatchObject({ error: '"title": must not be empty' })
  })

  test('with fields that do not fit', async () => {
    expect.hasAssertions()
    const send = (fields: object) => ask(post, { body: JSON.stringify({ ...whole, ...fields }) })
    await expectFault(send({ title: undefined }), 'malformed', '"title": is missing')
    await expectFault(send({ title: '' }), 'malformed')
    await expectFault(send({ title: 'x'.repeat(301) }), 'malformed')
    await expectFault(send({ title: { toString: 1 } }), 'malformed', '"title": must be a string')
    await expectFault(send({ title: 'a\0' }), 'malformed')
    await expectFault(send({ title: 'a\ud800' }), 'malformed')
    await expectFault(send({ more: Array.from({ length: 1_001 }) }), 'malformed')
    await expectFault(ask(post, { body: `{"a":${'['.repeat(50_000)}${']'.repeat(50_000)}}` }), 'malformed')
    await expectFault(ask(message, { body: '{"receiver_id":"a","message_type":"fax","content":"x"}' }), 'malformed')
    await expectFault(
      ask(post, { body: 'title=a&title=b&text_content=&content_type=n', type: 'application/x-www-form-urlencoded' }),
      'malformed',
    )
    await expectFault(ask(`${token}?a=1`, { method: 'GET' }), 'unknown_field', 'Unknown field "a"')
    await expectFault(ask(token, { method: 'DELETE', body: '{"push_token":"x","b":1}' }), 'unknown_field')
    await expectFault(ask(token, { method: 'DELETE', body: '{}' }), 'malformed')
    await expectFault(ask(`${post}?limit=201`, { method: 'GET' }), 'malformed')
    await expectFault(ask(`${post}?before=%00`, { method: 'GET' }), 'malformed')
  })

  test('with a push token that is none', async () => {
    expect.hasAssertions()
    for (const value of ['"ExponentPushToken[]"', '"x\\u0000"', '5', 'null', '{}', '["ExponentPushToken[a]"]'])
      await expectFault(
        ask(token, { body: `{"push_token":${value},"device_type":"ios"}` }),
        'token_malformed',
        'Invalid token format',
      )
  })

  test('in what is not HTTP', async () => {
    expect.hasAssertions()
    const raw = (text: string) =>
      new Promise<{ status: number; body: unknown }>((resolve, reject) => {
        let answer = ''
        const socket = connect(world.port, '127.0.0.1', () => socket.write(text))
        socket.on('data', (data) => (answer += data.toString()))
        socket.on('close', () => {
          const [head = '', body = ''] = answer.split('\r\n\r\n')
          resolve({ status: Number(head.split(' ')[1]), body: JSON.parse(body || '{}') })
        })
        socket.on('error', reject)
      })
    await expectFault(raw('garbage\r\n\r\n'), 'bad_http')
    await expectFault(raw(`GET / HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`), 'headers_too_large')
    await expectFault(raw('POST / HTTP/1.1\r\nHost: a\r\nExpect: wonders\r\nContent-Length: 1\r\n\r\nx'), 'expectation')
    await expectFault(raw('GET /nowhere HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'), 'not_found')
    await expectFault(raw('GET / HTTP/1.1\r\nConnection: close\r\n\r\n'), 'bad_http')
    await expectFault(raw('GET /%zz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'), 'bad_url')
  })
})

describe('what goes wrong here', () => {
  test('is told without internals', async () => {
    const { database } = world
    const own = { ...database.db }
    database.db.transaction = () => Promise.reject(new Error('relation "secret_table" does not exist'))
    await expectFault(ask(post, { body: JSON.stringify(whole) }), 'internal', 'Something went wrong here')
    database.db.transaction = () => Promise.reject(Object.assign(new Error('gone'), { code: 'ECONNREFUSED' }))
    const away = await fetch(`${world.url}${post}`, {
      method: 'POST',
      headers: { authorization, 'content-type': 'application/json' },
      body: JSON.stringify(whole),
    })
    Object.assign(database.db, own)
    expect(away.status).toBe(503)
    expect(away.headers.get('retry-after')).toBe('2')
    expect(await away.json()).toMatchObject({ success: false, code: 'database_away' })
    expect(world.lines.join('')).toContain('secret_table')
  })
})
