/** The calls of this app to the server. */
import { baseUrl, getAuthToken } from './session'

export interface Post {
  id: string
  user_id: string
  title: string
  text_content: string
  created_at: string
}
export interface Message {
  id: string
  sender_id: string
  receiver_id: string
  message_type: string
  content: string
  created_at: string
}

export const listPosts = () => ask<{ posts: Post[] }>('GET', '/api/posts/').then(({ posts }) => posts)
export const readPost = (id: string) => ask<{ post: Post }>('GET', `/api/posts/${encodeURIComponent(id)}`)
export const readMessage = (id: string) => ask<{ message: Message }>('GET', `/message/${encodeURIComponent(id)}`)
export const writePost = (title: string, text_content: string) =>
  ask<{ post: Post }>('POST', '/api/posts/', { title, text_content, content_type: 'note' })
export const sendMessage = (receiver_id: string, content: string) =>
  ask<{ message: Message }>('POST', '/message/send-message', { receiver_id, message_type: 'text', content })

/** A sandbox server makes bearer tokens by name, for callers on its own machine, such as a simulator. */
export const sandboxToken = (user: string) =>
  ask<{ token: string }>('GET', `/sandbox/api/token?user=${encodeURIComponent(user)}`).then(({ token }) => token)

async function ask<Answer>(method: string, path: string, json?: object): Promise<Answer> {
  const bearer = await getAuthToken()
  const response = await fetch(baseUrl + path, {
    method,
    headers: {
      ...(bearer !== null && { authorization: `Bearer ${bearer}` }),
      ...(json && { 'content-type': 'application/json' }),
    },
    ...(json && { body: JSON.stringify(json) }),
  })
  const answer = (await response.json()) as Answer & { error?: string }
  if (!response.ok) throw new Error(answer.error ?? `The server answered ${response.status}`)
  return answer
}
