/** Whether Expo, or the sandbox in its place, can be reached, and takes our access token. */
import { placeOf } from '../../config/places.ts'
import type { Config } from '../../config.ts'
import { type Reach, reachExpo, type Step } from '../../expo/reach.ts'
import { clock, type Finding, fault, fine, TIMEOUT_MS, warn } from './finding.ts'

/** @param server where a running server has its sandbox; undefined when none runs. */
export async function expo({ settings, secrets }: Config, server: string | undefined): Promise<Finding[]> {
  const findings = settings.pushesEnabled
    ? []
    : [warn('pushes', 'ENABLE_PUSH_NOTIFICATIONS is off: nothing is sent', 'Set ENABLE_PUSH_NOTIFICATIONS=true.')]
  if (settings.mode === 'sandbox') return [...findings, await sandbox(server)]
  const { sendUrl } = settings.expo
  const accessToken = secrets.expoAccessToken
  const reach = await reachExpo({ sendUrl, accessToken, timeoutMs: TIMEOUT_MS })
  if (reach.kind === 'failed') return [...findings, unreachable(sendUrl, reach.step, reach.reason)]
  const answer = answered(sendUrl, reach, accessToken !== undefined)
  if (reach.aheadMs === null || !reach.isExpo) return [...findings, answer]
  return [...findings, answer, clock('expo clock', "Expo's clock", reach.aheadMs, 1_000)]
}

async function sandbox(server: string | undefined): Promise<Finding> {
  const says = 'The sandbox stands in for Expo: no real phone rings. EXPO_PUSH_URL sends for real'
  if (server === undefined) return fine('expo', says)
  const sendUrl = `${server}/sandbox/--/api/v2/push/send`
  const reach = await reachExpo({ sendUrl, timeoutMs: TIMEOUT_MS })
  if (reach.kind === 'answered' && reach.isExpo) return fine('expo', says)
  return warn(
    'expo',
    `The sandbox of the running server does not answer at ${sendUrl}`,
    'Was it started with other settings?',
  )
}

const reachHints: Record<Step, (host: string) => string> = {
  DNS: (host) =>
    `This machine does not find the name ${host}. Check its name server (/etc/resolv.conf), or the firewall.`,
  TCP: (host) => `Let this machine open connections to ${host}; a firewall or a proxy is in the way.`,
  TLS: (host) => `Somebody between here and ${host} breaks TLS, or this machine's clock is wrong.`,
  HTTP: (host) => `${host} takes connections but does not answer. Try again; status.expo.dev tells of outages.`,
}

function unreachable(sendUrl: string, step: Step, reason: string): Finding {
  const where = placeOf(sendUrl)
  return fault('expo', `${where} cannot be reached: ${step} fails (${reason})`, reachHints[step](where))
}

function answered(sendUrl: string, reach: Reach & { kind: 'answered' }, hasToken: boolean): Finding {
  const { status, isExpo, message, ms } = reach
  const said = `status ${status}${message === null ? '' : `, "${message}"`}`
  if (status === 401 || status === 403)
    return fault(
      'expo',
      `Expo refuses ${hasToken ? 'EXPO_ACCESS_TOKEN' : 'requests without an access token'} (${said})`,
      TOKEN,
    )
  if (status === 429)
    return warn('expo', `Expo answers that too much is sent (${said})`, 'Lower EXPO_RATE_LIMIT, or wait.')
  if (status >= 500) return fault('expo', `Expo fails (${said})`, 'Try again; status.expo.dev tells of outages.')
  if (!isExpo)
    return fault(
      'expo',
      `${sendUrl} answers, but not as Expo does (status ${status})`,
      'Check EXPO_PUSH_URL; or is it a proxy that answers?',
    )
  const token = hasToken ? ', and the access token is not refused' : ''
  return fine('expo', `Expo answers at ${sendUrl} in ${ms} ms${token}`)
}

const TOKEN = 'Make a new token at expo.dev (Account settings, Access tokens), and set it as EXPO_ACCESS_TOKEN.'
