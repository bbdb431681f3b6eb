/** The running server: whether it is well, whether it is this version, and what waits for a person. */
import manifest from '../../../package.json' with { type: 'json' }
import { type Config, type Remote, readRemote } from '../../config.ts'
import { kept } from '../remote/remote.ts'
import { type Answer, ask } from './ask.ts'
import { type Finding, fault, fine, isLate, reasonOf, warn } from './finding.ts'
import { work } from './work.ts'

export interface Running {
  /** Undefined: no Belfry answers there. */
  url: string | undefined
  findings: Finding[]
}

interface Ready {
  status?: string
  mode?: string
  version?: string
  started_at?: string
  error?: string
  reasons?: { code: string; sentence: string }[]
}

/** @param config of this folder; undefined when it cannot be read. */
export async function server(config: Config | undefined): Promise<Running> {
  const remote = readRemote()
  const { url } = remote
  const health = await ask(`${url}/healthz`)
  if (health instanceof Error) return { url: undefined, findings: [unheard(url, health)] }
  if (typeof (health.body as Ready).version !== 'string')
    return {
      url: undefined,
      findings: [
        fault('server', `What answers at ${url} is no Belfry`, 'BELFRY_URL, or HOST and PORT, say where it is.'),
      ],
    }
  const ready = await ask(`${url}/readyz`)
  return {
    url,
    findings: [
      ...readiness(url, ready),
      ...changed(ready, remote, config),
      ...(await asOperator(remote, remote.key ?? kept(remote.keyFile))),
    ],
  }
}

function unheard(url: string, error: Error): Finding {
  const says = `No server answers at ${url} (${reasonOf(error)})`
  return isLate(error) ? fault('server', says, SILENT) : warn('server', says, START)
}

const START = 'Start it with "npm start"; BELFRY_URL says where it is when it runs elsewhere.'
const SILENT =
  'If it runs there, it hangs or has too much to do: see its log, or restart it. If not, a firewall keeps quiet: BELFRY_URL says where it is.'

function readiness(url: string, answer: Answer | Error): Finding[] {
  if (answer instanceof Error)
    return [fault('server', `${url} does not say whether it is ready (${reasonOf(answer)})`, 'Its log says more.')]
  const { status, mode, version, started_at, error, reasons = [] } = answer.body as Ready
  const what = `Belfry ${version} at ${url}, since ${started_at}`
  if (answer.status !== 200) return [fault('server', `${what}, is not ready: ${error}`, 'Its log says why.')]
  const stale =
    version === manifest.version
      ? []
      : [
          warn(
            'version',
            `It runs ${version}, and this folder holds ${manifest.version}`,
            'Deployed but not restarted? Restart it.',
          ),
        ]
  const degraded = reasons.map(({ sentence }) =>
    warn('server', sentence, 'The console and "belfry explain" show more.'),
  )
  return [fine('server', `${what}, is ${status}, in ${mode} mode`), ...stale, ...degraded]
}

/** What a server read at its start is what it goes by; one that is elsewhere has settings of its own. */
function changed(answer: Answer | Error, remote: Remote, config: Config | undefined): Finding[] {
  if (answer instanceof Error || !remote.isHere) return []
  const { mode, started_at = '' } = answer.body as Ready
  const found: Finding[] = []
  if (remote.settingsChangedAt !== undefined && remote.settingsChangedAt > new Date(started_at))
    found.push(warn('settings', 'The running server started before .env was last changed', RESTART))
  if (mode !== undefined && config !== undefined && mode !== config.settings.mode)
    found.push(
      warn('settings', `The running server is in ${mode} mode, these settings say ${config.settings.mode}`, RESTART),
    )
  return found
}

const RESTART = 'The settings looked at here are those of now; it takes them up when it is restarted.'

interface Alarm {
  kind: 'flood' | 'credentials'
  project: string
  device_type: string
}

/** Only with a key; without one the rest is still worth telling. */
async function asOperator({ url, keyFrom }: Remote, key: string | undefined): Promise<Finding[]> {
  if (key === undefined)
    return [warn('alarms', 'There is no operator key here to ask for alarms with', 'Set BELFRY_KEY.')]
  const answer = await ask(`${url}/api/operator/alarms`, key)
  if (answer instanceof Error) return [warn('alarms', `Alarms cannot be asked for (${reasonOf(answer)})`)]
  // What it says for everybody, such as that the database is away, is told already.
  if (answer.status >= 500) return [warn('alarms', `Alarms cannot be asked for (${answer.status})`)]
  if (answer.status !== 200)
    return [
      warn(
        'alarms',
        `The server does not take this operator key (${answer.status})`,
        `It is from ${keyFrom}. ${OPERATOR_KEY_HINT}`,
      ),
    ]
  const { alarms = [] } = answer.body as { alarms?: Alarm[] }
  return [
    ...waiting(alarms),
    ...(await work(url, key)),
    ...devices(await ask(`${url}/api/operator/tokens?limit=1`, key)),
  ]
}

const OPERATOR_KEY_HINT = "The server's own is in its OPERATOR_KEY, or in operator-key in its DATA_DIR."

function devices(answer: Answer | Error): Finding[] {
  if (answer instanceof Error || answer.status !== 200) return []
  const { tokens = [] } = answer.body as { tokens?: object[] }
  if (tokens.length > 0) return [fine('devices', 'Devices are registered')]
  return [
    warn(
      'devices',
      'No device is registered yet',
      'A user needs to open the app once so that it registers a push token.',
    ),
  ]
}

function waiting(alarms: Alarm[]): Finding[] {
  if (alarms.length === 0) return [fine('alarms', 'No alarm waits')]
  return alarms.map(({ kind, project, device_type: device }) => {
    const whose = `${project === '' ? 'the app' : project}${device === '' ? '' : `, ${device}`}`
    if (kind === 'flood')
      return warn(
        'alarms',
        `A flood of dead push tokens is held for ${whose}`,
        'Console, Alarms: confirm or release it.',
      )
    return warn(
      'alarms',
      `The push credentials of ${whose} are refused, and its devices are suspended`,
      "Renew the app's Apple or Google push key in its credentials at Expo, then release the alarm in the console.",
    )
  })
}
