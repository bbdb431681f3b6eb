import { openDatabase } from '../app.ts'
import { readConfig } from '../config.ts'
import { logFacts, openLog } from '../log.ts'

/** Brings the database up to date, as a start would, and leaves. */
export async function migrate(): Promise<void> {
  const config = readConfig()
  const log = openLog(config.settings.logLevel)
  const database = await openDatabase(config, logFacts(log), log)
  await database.close()
  process.stdout.write('The database is up to date.\n')
}
