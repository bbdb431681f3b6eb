import { startSandbox } from '../sandbox/server.ts'
import { CommandFault } from './fault.ts'

/** The Expo stand-in alone, for other programs: point them at the address it prints. */
export async function sandbox(options: { port: string; host: string }): Promise<void> {
  const port = /^\d{1,5}$/.test(options.port) ? Number(options.port) : Number.NaN
  if (!(port <= 65_535)) throw new CommandFault(`"${options.port}" is no port; expected 0 to 65535.`)
  const running = await startSandbox({ port, host: options.host })
  const send = `${running.url}/--/api/v2/push/send`
  process.stdout.write(`The sandbox takes pushes at ${send}\nIts phones are at ${running.url}/sandbox\n`)
  await new Promise((stop) => {
    process.once('SIGTERM', stop)
    process.once('SIGINT', stop)
  })
  await running.close()
  process.exit(0)
}
