/** The example app's calls, at a server as `npm start` makes it: somebody logs in by name, posts, reads and writes. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Server, startServer, temporaryFolder } from '../kit/server.ts'

const example = join(import.meta.dirname, '..', '..', 'examples', 'expo-app')

let server: Server
let folder = ''
beforeAll(async () => {
  folder = temporaryFolder()
  server = await startServer({ folder, env: { JWT_SECRET: undefined, OPERATOR_KEY: undefined } })
})
afterAll(async () => {
  await server?.stop()
  rmSync(folder, { recursive: true, force: true })
})

interface Api {
  sandboxToken(user: string): Promise<string>
  writePost(title: string, text: string): Promise<{ post: { id: string } }>
  listPosts(): Promise<object[]>
  readPost(id: string): Promise<object>
  sendMessage(receiver: string, content: string): Promise<{ message: { id: string } }>
  readMessage(id: string): Promise<object>
}

/** The file itself; only the session, which the real one keeps in the phone's keychain, is another. */
async function openApi(): Promise<{ api: Api; session: { bearer: string | null } }> {
  const inIts = (name: string) => join(folder, name)
  const session = `export const session = { bearer: null }\nexport const getAuthToken = async () => session.bearer\n`
  writeFileSync(inIts('session.ts'), `${session}export const baseUrl = '${server.url}'\n`)
  const text = readFileSync(join(example, 'api.ts'), 'utf8')
  writeFileSync(inIts('api.ts'), text.replace("'./session'", "'./session.ts'"))
  return { api: await import(inIts('api.ts')), session: (await import(inIts('session.ts'))).session }
}

test('every call is one that the server knows', async () => {
  const { api, session } = await openApi()
  session.bearer = await api.sandboxToken('ada & co')
  const { post } = await api.writePost('Rain', '')
  expect(await api.listPosts()).toMatchObject([{ title: 'Rain', user_id: 'ada & co' }])
  expect(await api.readPost(post.id)).toMatchObject({ post: { title: 'Rain' } })
  const { message } = await api.sendMessage('ben', 'Did it ring?')
  expect(await api.readMessage(message.id)).toMatchObject({ message: { content: 'Did it ring?' } })
})
