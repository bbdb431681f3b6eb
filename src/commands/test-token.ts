import { expoPlaceOf, urlOf } from '../config/places.ts'
import { readConfig } from '../config.ts'
import { ruleFor } from '../domain/answers/verdict.ts'
import { parseTickets } from '../expo/parse.ts'
import { sendRaw } from '../expo/raw.ts'
import { CommandFault } from './fault.ts'

/** The first document's third test: one message straight to Expo, past the database, and Expo's raw answer. Refused: exit code 3. */
export async function testToken(pushToken: string): Promise<void> {
  const { settings, secrets } = readConfig()
  const isSandbox = settings.mode === 'sandbox'
  // In sandbox mode, Expo is behind the running server.
  const sendUrl = isSandbox ? `${urlOf(settings)}/sandbox/--/api/v2/push/send` : settings.expo.sendUrl
  const message = {
    to: pushToken,
    sound: 'default',
    title: 'Test Notification',
    body: `This is a test from ${settings.texts.appName} backend`,
    priority: 'high',
  }
  const accessToken = isSandbox ? undefined : secrets.expoAccessToken
  const answer = await sendRaw({ sendUrl, accessToken, body: [message], timeoutMs: settings.expoTimeoutMs })
  if (answer.kind === 'unreachable') {
    const hint = isSandbox
      ? 'Start it with "npm start" first.'
      : `Check that this machine reaches ${expoPlaceOf(settings)}.`
    throw new CommandFault(`${sendUrl} does not answer (${answer.reason}). ${hint}`)
  }
  process.stdout.write(`${answer.text}\n`)
  if (isSandbox && answer.status === 404)
    throw new CommandFault(
      'The server has no sandbox: it was started with an EXPO_PUSH_URL. EXPO_PUSH_URL is not set here.',
    )
  if (answer.status !== 200) throw new CommandFault(`Expo answered with status ${answer.status}.`)
  const [ticket] = parseTickets(answer.text) ?? []
  if (ticket === undefined) throw new CommandFault('That is no ticket: it may not be Expo that answers there.')
  if (ticket.status === 'ok') return
  process.stderr.write(`Expo refused it. ${ruleFor(ticket.code).hint}\n`)
  process.exitCode = 3
}
