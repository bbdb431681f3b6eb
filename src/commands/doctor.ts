/** Looks at everything that a server needs, changes nothing, and says in a line each what is wrong and what to do. */
import { type Config, ConfigFault, readConfig } from '../config.ts'
import { warnings } from './banner.ts'
import { database } from './doctor/database.ts'
import { expo } from './doctor/expo.ts'
import { type Finding, fault, fine, reasonOf, warn } from './doctor/finding.ts'
import { keys, webhooks } from './doctor/keys.ts'
import { builtConsole, folder, node, port } from './doctor/machine.ts'
import { type Running, server } from './doctor/server.ts'

const marks = { fine: '✓', warn: '!', fault: '✗' }

/** Exit code 0: no ✗; 1: there is one. */
export async function doctor(options: { json?: boolean }): Promise<void> {
  const findings = await look()
  const success = findings.every(({ verdict }) => verdict !== 'fault')
  const told = options.json ? JSON.stringify({ success, checks: findings }) : findings.map(line).join('\n')
  // Not only the exit code: a name server that does not answer would keep the process.
  await new Promise((written) => process.stdout.write(`${told}\n`, written))
  process.exit(success ? 0 : 1)
}

function line({ check, verdict, says, hint }: Finding): string {
  const more = hint === undefined ? '' : `\n${' '.repeat(18)}${hint}`
  return `${marks[verdict]} ${check.padEnd(15)} ${says}${more}`
}

async function look(): Promise<Finding[]> {
  const config = readSettings()
  const running = await server(Array.isArray(config) ? undefined : config).catch((error: unknown): Running => {
    // What is wrong with HOST and PORT is told with the settings.
    const faults = error instanceof ConfigFault ? error.faults : [reasonOf(error)]
    return { url: undefined, findings: Array.isArray(config) ? [] : faults.map((one) => fault('server', one)) }
  })
  if (Array.isArray(config)) return [...config, node(), builtConsole(), ...running.findings]
  const { settings } = config
  // One after the other where they share the machine's attention: a clock is compared while nothing else is done.
  const stored = await database(config)
  const [sent, checked, listening] = await Promise.all([
    expo(config, running.url),
    keys(config),
    port(settings, running.url !== undefined),
  ])
  return [
    ...settingsFound(config),
    node(),
    builtConsole(),
    folder(settings),
    ...stored,
    ...sent,
    checked,
    ...webhooks(config),
    ...listening,
    ...running.findings,
  ]
}

function readSettings(): Config | Finding[] {
  try {
    return readConfig()
  } catch (error) {
    if (!(error instanceof ConfigFault)) throw error
    return [
      ...error.faults.map((one) => fault('settings', one, SETTINGS_HINT)),
      ...error.doubts.map((one) => warn('settings', one, SETTINGS_HINT)),
    ]
  }
}

const SETTINGS_HINT = 'The table in the README says what each setting takes.'

function settingsFound(config: Config): Finding[] {
  const { mode, production, role } = config.settings
  const says = `They fit: ${mode} mode, ${production ? 'production' : 'not production'}, role ${role}`
  // What is off is told with Expo.
  const more = warnings(config).filter((one) => !one.startsWith('ENABLE_PUSH_NOTIFICATIONS'))
  return [fine('settings', says), ...more.map((one) => warn('settings', one))]
}
