/** Who is logged in. A real app has a back end that gives out the bearer token; here a sandbox server does, or it is pasted in. */
import * as SecureStore from 'expo-secure-store'

/** The Belfry server as the phone reaches it. This one is for simulators; on a phone it would be the phone itself. */
export const baseUrl = process.env.EXPO_PUBLIC_BELFRY_URL ?? 'http://127.0.0.1:8787'

export interface Session {
  name: string
  bearer: string
}

const KEY = 'session'

export async function readSession(): Promise<Session | null> {
  const text = await SecureStore.getItemAsync(KEY)
  return text === null ? null : (JSON.parse(text) as Session)
}

export async function writeSession(session: Session | null): Promise<void> {
  if (session === null) await SecureStore.deleteItemAsync(KEY)
  else await SecureStore.setItemAsync(KEY, JSON.stringify(session))
}

/** What Belfry asks for: null says that nobody is logged in. */
export async function getAuthToken(): Promise<string | null> {
  return (await readSession())?.bearer ?? null
}
