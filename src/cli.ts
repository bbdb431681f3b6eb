#!/usr/bin/env node
/** The command line. Faults that a person can mend are told in a sentence; a stack trace means a bug. */
import { setFlagsFromString } from 'node:v8'
import { Command } from 'commander'
import manifest from '../package.json' with { type: 'json' }
import { CommandFault } from './commands/fault.ts'
import { addRemoteVerbs } from './commands/remote/remote-verbs.ts'
import { ConfigFault } from './config.ts'
import { DatabaseLocked, DatabaseRefused, DatabaseUnopened } from './store/database/away.ts'
import { EncodingFault } from './store/database/encoding.ts'
import { EncryptionFault } from './store/database/encryption.ts'
import { FolderLocked, FolderUnusable } from './store/database/folder-lock.ts'
import { FolderMoved } from './store/database/moved-folder.ts'
import { NewerDatabase } from './store/migrations/compatibility.ts'
import { CannotMove } from './store/move/fault.ts'

// What a broadcast allocates is soon garbage, and cheap to collect while V8's young generation has room for it. This lets that
// grow to its maximum in one step, also after an idle time: step by step, memory would depend on the size of the audience.
setFlagsFromString('--semi-space-growth-factor=32')
// From one busy moment V8 concludes which objects live long, and never thinks again ("pretenuring"): some processes then
// collected the old generation twice for each 200,000 devices.
setFlagsFromString('--no-allocation-site-pretenuring')
// The old generation may grow by a quarter before it is collected: with a half, a worker took 1.22 times as much memory for ten
// million devices as for ten thousand.
setFlagsFromString('--heap-growing-percent=25')
// Sparkplug, which compiles code that is not hot yet, goes on adding machine code for hours, and saved no time that could be measured.
setFlagsFromString('--no-sparkplug')
// A small Buffer keeps all of the pool that it was cut from: with Node's 64 KB, 140 such pools held 9 MB for nothing.
Buffer.poolSize = 8_192

/** Each command imports what it needs when it is called: printing a token takes no longer than loading jose. */
const program = new Command('belfry')
  .description('Push notifications for Expo apps, from your own server.')
  .version(manifest.version)
  .showSuggestionAfterError()
  .showHelpAfterError('(belfry --help shows what there is)')
  .addHelpText('after', examples())

program
  .command('serve')
  .description('run the server (npm start)')
  .action(async () => (await import('./commands/serve.ts')).serve())
program
  .command('worker')
  .description('send only, beside servers on the same PostgreSQL (as ROLE=worker)')
  .action(async () => (await import('./commands/serve.ts')).serve('worker'))
program
  .command('migrate')
  .description('bring the database up to date, without serving')
  .action(async () => (await import('./commands/migrate.ts')).migrate())
program
  .command('move')
  .description('move the embedded database in DATA_DIR to the PostgreSQL at DATABASE_URL')
  .addHelpText(
    'after',
    '\nStop the server before. Interrupted, it is run again; until it ends nothing is taken from the folder.',
  )
  .action(async () => (await import('./commands/move.ts')).move())
program
  .command('token')
  .description('print a bearer token for a user, for trying things; the database stays closed')
  .argument('<user>', 'id of the user')
  .option('--name <name>', 'what the user is called in notifications')
  .option('--ttl <time>', 'how long it is valid: 30m, 12h, 7d', '7d')
  .action(async (user, options) => (await import('./commands/token.ts')).token(user, options))
program
  .command('test-token')
  .description("send a test straight to Expo, past the database, and print Expo's answer")
  .argument('<push token>', 'such as ExponentPushToken[xxxxxxxxxxxxxxxxxxxxxx]')
  .addHelpText('after', '\nExit codes: 0 Expo took it, 1 no ticket came, 3 Expo refused it.')
  .action(async (pushToken) => (await import('./commands/test-token.ts')).testToken(pushToken))
program
  .command('sandbox')
  .description("run the stand-in for Expo's push service alone")
  .option('--port <port>', 'where it listens', '8788')
  .option('--host <host>', 'address it listens on', '127.0.0.1')
  .action(async (options) => (await import('./commands/sandbox.ts')).sandbox(options))
program
  .command('doctor')
  .description('look at settings, database, clock, Expo, keys, port and the running server, and say what is wrong')
  .option('--json', 'the findings as JSON, for programs')
  .addHelpText(
    'after',
    '\nChanges nothing, and notifies nobody. Exit codes: 0 nothing is wrong (no ✗), 1 something is.',
  )
  .action(async (options) => (await import('./commands/doctor.ts')).doctor(options))
addRemoteVerbs(program)

await program.parseAsync().catch(tell)

function tell(error: unknown): void {
  if (error instanceof ConfigFault) return end(error.message, error.exitCode)
  const told = [
    CommandFault,
    FolderLocked,
    FolderUnusable,
    FolderMoved,
    CannotMove,
    NewerDatabase,
    DatabaseLocked,
    DatabaseRefused,
    DatabaseUnopened,
    EncodingFault,
    EncryptionFault,
  ]
  const saysAll = told.some((kind) => error instanceof kind)
  if (saysAll) return end((error as Error).message, 1)
  const { code, message, syscall } = error as NodeJS.ErrnoException
  const another = 'Choose another: PORT or HOST, of a worker WORKER_PORT, of the sandbox alone --port or --host.'
  if (syscall === 'listen') return end(`Cannot listen there: ${message}. ${another}`, 1)
  if (code === 'ABORT_ERR') return end('Stopped before it was ready.', 1)
  end(error instanceof Error ? (error.stack ?? message) : String(error), 1)
}

function end(sentence: string, exitCode: number): void {
  process.stderr.write(`${sentence}\n`, () => process.exit(exitCode))
}

function examples(): string {
  return `
Examples:
  npm start
  npm run -s belfry -- token alice --name "Alice" --ttl 12h
  npm run -s belfry -- test-token 'ExponentPushToken[xxxxxxxxxxxxxxxxxxxxxx]'
  npm run -s belfry -- sandbox --port 8788
  npm run -s belfry -- doctor
  npm run -s belfry -- send --to everyone --title "The bells are up" --body "Come on Sunday"
  npm run -s belfry -- explain alice 01a20057-7cac-76f3-956a-aa206f66a746
Settings come from the environment and .env; .env.example lists all.`
}
