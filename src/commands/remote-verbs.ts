/** The verbs that speak to the running server. Each brings its own code only when it is called. */
import type { Command } from 'commander'

const json = ['--json', 'the answer as JSON, for programs'] as const
const where = '\nThey speak to BELFRY_URL (default: HOST and PORT here) with BELFRY_KEY (default: the operator key).'

export function addRemoteVerbs(program: Command): void {
  addSend(program)
  addNotifications(program)
  addTokens(program)
  program
    .command('explain')
    .description('why a user did or did not get a notification: one sentence, then every step')
    .argument('<user>', 'id of the user')
    .argument('<notification>', 'id of the notification')
    .option(...json)
    .addHelpText('after', `\nExample:\n  belfry explain alice 01a20057-7cac-76f3-956a-aa206f66a746\n${where}`)
    .action(async (user, id, options) => (await import('./notifications.ts')).explain(user, id, options))
}

function addSend(program: Command): void {
  program
    .command('send')
    .description('send a notification, and show its progress to the end')
    .requiredOption('--to <audience>', '"everyone", "topic:<name>", or ids of users with commas between them')
    .option('--title <text>', 'what stands on top')
    .option('--body <text>', 'what is said')
    .option('--data <json>', 'for the app, up to 4,096 bytes with title and body')
    .option('--options <json>', "Expo's other fields, such as sound, badge or channelId")
    .option('--except <users>', 'ids of users who do not get it, with commas between them')
    .option('--ttl <seconds>', 'after that it is not sent any more')
    .option('--at <time>', 'not before this time, such as 2026-01-31T09:00:00Z')
    .option('--dry-run', 'say how many it would reach, and send nothing')
    .option('--no-wait', 'do not stay until it is sent')
    .option(...json)
    .addHelpText(
      'after',
      `
Examples:
  belfry send --to everyone --title "The bells are up" --body "Come on Sunday"
  belfry send --to alice,ben --body "Rehearsal moved" --data '{"screen": "calendar"}'
  belfry send --to topic:news --title "News" --options '{"sound": "default"}' --dry-run
Exit codes: 0 everybody is with Expo, 1 not accepted, 3 some were refused or are unknown, 4 cancelled or expired.
${where}`,
    )
    .action(async (options) => (await import('./send.ts')).send(options))
}

function addNotifications(program: Command): void {
  const group = program.command('notifications').description('see and steer notifications')
  group
    .command('list')
    .description('newest first')
    .option('--limit <count>', 'how many', '20')
    .option('--before <id>', 'the page after this one')
    .option(...json)
    .addHelpText('after', `\nExample:\n  belfry notifications list --limit 5 --json\n${where}`)
    .action(async (options) => (await import('./notifications.ts')).listNotifications(options))
  group
    .command('show')
    .description('its totals, its rate, and how long it will take')
    .argument('<id>')
    .option(...json)
    .addHelpText('after', `\nExample:\n  belfry notifications show 01a20057-7cac-76f3-956a-aa206f66a746\n${where}`)
    .action(async (id, options) => (await import('./notifications.ts')).showNotification(id, options))
  for (const [verb, what] of verbs) {
    group
      .command(verb)
      .description(what)
      .argument('<id>')
      .option(...json)
      .addHelpText('after', `\nExample:\n  belfry notifications ${verb} 01a20057-7cac-76f3-956a-aa206f66a746\n${where}`)
      .action(async (id, options) => (await import('./notifications.ts')).control(verb, id, options))
  }
}

const verbs = [
  ['pause', 'hold it; what is under way finishes'],
  ['resume', 'let it go on'],
  ['cancel', 'end it for good; what has been sent stays sent'],
] as const

function addTokens(program: Command): void {
  const group = program.command('tokens').description('push tokens, in and out')
  group
    .command('import')
    .description(
      "take over another system's table: CSV with a first line of names, or JSON lines; - reads standard input",
    )
    .argument('<file>')
    .option(...json)
    .addHelpText(
      'after',
      `
Three shapes are known by the names of their columns:
  push_tokens  user_id, token, device_type, created_at, updated_at
  push_tokens  user_id, expo_token, active, created_at
  users        id, push_token, push_token_updated_at
Examples:
  belfry tokens import push_tokens.csv
  psql "$OLD_DATABASE" -c "copy push_tokens to stdout with csv header" | belfry tokens import -
Exit codes: 0 all rows are in, 1 nothing could be done, 3 some rows were left out; they are named by their lines.
${where}`,
    )
    .action(async (file, options) => (await import('./tokens.ts')).importTokens(file, options))
  group
    .command('list')
    .description('devices, oldest first; push tokens are shortened')
    .option('--user <id>', 'of this user only')
    .option('--limit <count>', 'how many', '50')
    .option(...json)
    .addHelpText('after', `\nExample:\n  belfry tokens list --user alice\n${where}`)
    .action(async (options) => (await import('./tokens.ts')).listTokens(options))
  group
    .command('export')
    .description('all of them as CSV with whole push tokens, as import takes it')
    .option('--json', 'JSON lines instead')
    .addHelpText('after', `\nExample:\n  belfry tokens export > push_tokens.csv\n${where}`)
    .action(async (options) => (await import('./tokens.ts')).exportTokens(options))
}
