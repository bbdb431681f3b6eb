/** The console's files, as `npm ci` built them: whether they are there, and what is shown where they cannot be. */
import { accessSync, constants, readdirSync } from 'node:fs'
import { join } from 'node:path'

/** Unreadable: `npm ci` was run by somebody whose files this user may not read, at least not all. */
export type Missing = 'absent' | 'unreadable'

/** @returns undefined: they are there. */
export function whyNoPages(folder: string): Missing | undefined {
  try {
    for (const file of ['index.html', ...readdirSync(folder, { recursive: true, encoding: 'utf8' })])
      accessSync(join(folder, file), constants.R_OK)
    return undefined
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'absent' : 'unreadable'
  }
}

/** What a person runs in the program's folder to have them. */
export const MEND: Record<Missing, string> = { absent: 'npm run prepare', unreadable: 'chmod -R a+rX console' }

export const insteadOfPages: Record<Missing, string> = {
  absent: page(
    'The console is not built yet',
    'To build its console, run this in its folder and start it again:',
    MEND.absent,
  ),
  unreadable: page(
    'The console cannot be read',
    'It runs as a user who may not read the files of its console. As their owner, run this in its folder and start it again:',
    MEND.unreadable,
  ),
}

function page(title: string, mend: string, command: string): string {
  return `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>Belfry console</title>
  </head>
  <body>
    <h1>${title}</h1>
    <p>Belfry itself is running. ${mend}</p>
    <pre>${command}</pre>
    <p>Meanwhile the command line shows the same: <code>npm run -s belfry -- notifications list</code></p>
  </body>
</html>
`
}
