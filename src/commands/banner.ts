/** What a person sees when the server is ready: where it is, what it does, and something to paste. */
import { join } from 'node:path'
import { type App, version } from '../app.ts'
import { isLoopback } from '../config/places.ts'
import { placeOfPostgres } from '../config/values.ts'
import type { Config } from '../config.ts'

export function banner(app: App, config: Config): string {
  const { settings } = config
  if (app.url === undefined) return workerBanner(config)
  const rows = [
    ['Mode', modeOf(config)],
    ...(settings.mode === 'sandbox' ? [['Phones', `${app.url}/sandbox`]] : []),
    ['Console', `${app.url}/console`],
    ['Database', databaseOf(config)],
    [
      'Operator',
      `key ${app.secrets.operatorKeyFile === undefined ? 'from the environment' : `in ${app.secrets.operatorKeyFile}`}`,
    ],
  ]
  return [
    '',
    `  Belfry ${version} is ready at ${app.url}`,
    '',
    ...rows.map(row),
    ...warnings(config).map((warning) => `  WARNING   ${warning}`),
    '',
    '  Try it: register a phone for alice, and ring it.',
    '',
    ...tryIt(app.url, config),
    '',
    '',
  ].join('\n')
}

function workerBanner(config: Config): string {
  const { workerPort, host } = config.settings
  const rows = [
    ['Mode', modeOf(config)],
    ['Database', databaseOf(config)],
    ...(workerPort === undefined ? [] : [['Health', `on port ${workerPort} of ${host}, with its metrics`]]),
  ]
  return ['', `  Belfry ${version}: a worker is ready`, '', ...rows.map(row), '', ''].join('\n')
}

function row([name = '', text = '']: string[]): string {
  return `  ${name.padEnd(10)}${text}`
}

export function warnings({ settings, secrets, doubts }: Config): string[] {
  const found: string[] = [...doubts]
  if (settings.mode === 'sandbox' && !isLoopback(settings.host))
    found.push(
      `THE SANDBOX IS OPEN TO THE NETWORK on ${settings.host}: no real phone will ring. Set EXPO_PUSH_URL to send.`,
    )
  if (settings.production && settings.openTestPush)
    found.push('OPEN_TEST_PUSH is on: anybody can write on the screens of your users.')
  if (settings.production && secrets.databaseUrl === undefined)
    found.push(
      'The data is in a folder of this machine; hosts with ephemeral disks lose it. Set DATABASE_URL to keep it.',
    )
  if (!settings.pushesEnabled) found.push('ENABLE_PUSH_NOTIFICATIONS is off: nothing is sent.')
  return found
}

function modeOf({ settings }: Config): string {
  if (settings.mode === 'sandbox')
    return 'SANDBOX. Pretend phones ring, nothing reaches Expo. Set EXPO_PUSH_URL to send for real.'
  return `Expo, at ${settings.expo.sendUrl}`
}

function databaseOf({ settings, secrets }: Config): string {
  if (secrets.databaseUrl === undefined) return `embedded (PGlite), in ${settings.dataDir}`
  const { host, name } = placeOfPostgres(secrets.databaseUrl)
  return `PostgreSQL, ${host}/${name}, schema ${settings.databaseSchema}`
}

/** Works as pasted, in the project's folder. */
function tryIt(url: string, { settings }: Config): string[] {
  const isUsual = settings.dataDir === join(process.cwd(), 'data')
  const folder = isUsual ? '' : `DATA_DIR=${quote(settings.dataDir)} `
  const token = settings.jwt.jwksUrl === undefined ? `$(${folder}npm run -s belfry -- token alice)` : 'YOUR_TOKEN'
  const phone =
    settings.mode === 'sandbox' ? 'ExponentPushToken[alices-first-phone]' : 'ExponentPushToken[put-a-real-one-here]'
  return [
    `  curl -X POST ${url}/api/users/push-token \\`,
    `    -H "Authorization: Bearer ${token}" -H "Content-Type: application/json" \\`,
    `    -d '{"push_token": "${phone}", "device_type": "android"}'`,
    '',
    `  curl -X POST ${url}/test-push-notification/alice \\`,
    `    -H "Authorization: Bearer ${token}"`,
  ]
}

function quote(path: string): string {
  return `'${path.replaceAll("'", String.raw`'\''`)}'`
}
