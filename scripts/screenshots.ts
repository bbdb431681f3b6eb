/**
 * Takes all pictures of docs/console.md and of the README anew: `npm run screenshots`. What they show is a running
 * club's app on the real server, in a temporary folder, in the sandbox; nothing of it is drawn by hand.
 */
import { execFileSync } from 'node:child_process'
import { join, relative } from 'node:path'
import { openBrowser } from '../test/kit/chromium.ts'
import { MOST_BYTES, openCamera } from './screenshots/camera.ts'
import { openClub } from './screenshots/club.ts'
import { pictureConsole } from './screenshots/console.ts'
import { pictureSandbox } from './screenshots/sandbox.ts'

const project = join(import.meta.dirname, '..')
// The pages as they are in the sources now.
execFileSync(process.execPath, [join(project, 'scripts', 'prepare.ts')], { stdio: 'inherit' })
const browser = await openBrowser()
try {
  const camera = openCamera(browser, join(project, 'docs', 'images'))
  await pictureSandbox(camera)
  const club = await openClub()
  try {
    await pictureConsole(camera, club)
  } finally {
    await club.close()
  }
  for (const [file, bytes] of camera.taken) {
    console.log(`${relative(project, file)} ${Math.round(bytes / 1_000)} kB`)
    if (bytes > MOST_BYTES) process.exitCode = 1
  }
} finally {
  await browser.close()
}
