/** The verbs that speak to the running server. Each brings its own code only when it is called. */
import type { Command } from 'commander'

const json = ['--json', 'the answer as JSON, for programs'] as const
const time = "such as 2027-01-31T09:00:00Z; without a zone this machine's local time; or so long from now: 12h, 90d"
const where = '\nThey speak to BELFRY_URL (default: HOST and PORT here) with BELFRY_KEY (default: the operator key).'

export function addRemoteVerbs(program: Command): void {
  addSend(program)
  addNotifications(program)
  addTokens(program)
  addKeys(program)
  addUsers(program)
  addAudit(program)
  program
    .command('explain')
    .description('why a user did or did not get a notification: one sentence, then every step')
    .argument('<user>', 'id of the user')
    .argument('<notification>', 'id of the notification')
    .option(...json)
    .addHelpText(
      'after',
      `
Example:
  belfry explain alice 01a20057-7cac-76f3-956a-aa206f66a746
Exit codes: 0 it is explained, 1 there is no such notification, or no such user.
${where}`,
    )
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
    .option('--at <time>', `not before this time: ${time}`)
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

function addUsers(program: Command): void {
  const group = program.command('users').description('what a person may ask for')
  group
    .command('export')
    .description('all that is kept about them, as one JSON document')
    .argument('<id>')
    .addHelpText('after', `\nExample:\n  belfry users export alice > alice.json\n${where}`)
    .action(async (id) => (await import('./users.ts')).exportUser(id))
  group
    .command('erase')
    .description('erase them for good; asks for the id once more')
    .argument('<id>')
    .option('--yes', 'do not ask')
    .option(...json)
    .addHelpText('after', `\nExample:\n  belfry users erase alice --yes\n${where}`)
    .action(async (id, options) => (await import('./users.ts')).eraseUser(id, options))
}

function addAudit(program: Command): void {
  program
    .command('audit')
    .description('who did what to whom, newest first')
    .option('--actor <who>', '"operator", "system", "user:<id>" or "key:<id>"; with * behind it, what begins so')
    .option('--action <what>', 'such as "push_token.move" or "notification.*"')
    .option('--subject <whom>', 'such as "user:alice"')
    .option('--limit <count>', 'how many', '50')
    .option('--before <id>', 'the page after this entry')
    .option(...json)
    .addHelpText('after', `\nExample:\n  belfry audit --subject user:alice\n${where}`)
    .action(async (options) => (await import('./audit.ts')).listAudit(options))
}

function addKeys(program: Command): void {
  const group = program.command('keys').description('keys for other backends')
  group
    .command('list')
    .description('those that can be used first; of each only how it begins')
    .option(...json)
    .addHelpText('after', `\nExample:\n  belfry keys list\n${where}`)
    .action(async (options) => (await import('./keys.ts')).listKeys(options))
  group
    .command('create')
    .description('make one; its secret is printed now and never again')
    .argument('<name>', 'whose it is, for people')
    .requiredOption('--scopes <scopes>', 'send, users, read, with commas between them')
    .option('--expires <time>', `not valid after this time: ${time}`)
    .option(...json)
    .addHelpText('after', `\nExample:\n  KEY=$(belfry keys create shop --scopes send,read --expires 90d)\n${where}`)
    .action(async (name, options) => (await import('./keys.ts')).createKey(name, options))
  group
    .command('rotate')
    .description('give it a new secret, which is printed now and never again')
    .argument('<id>')
    .option('--grace <time>', 'how long the old secret still holds: 30m, 12h, up to 7d', '0')
    .option(...json)
    .addHelpText('after', `\nExample:\n  belfry keys rotate 01a20057-7cac-76f3-956a-aa206f66a746 --grace 1h\n${where}`)
    .action(async (id, options) => (await import('./keys.ts')).rotateKey(id, options))
  group
    .command('revoke')
    .description('end it for good; within five seconds nobody gets in with it')
    .argument('<id>')
    .option(...json)
    .addHelpText('after', `\nExample:\n  belfry keys revoke 01a20057-7cac-76f3-956a-aa206f66a746\n${where}`)
    .action(async (id, options) => (await import('./keys.ts')).revokeKey(id, options))
}
