/** `belfry move`: from the folder that everybody begins with to PostgreSQL, with all that is in it and all that still waits. */
import { openDatabase } from '../app.ts'
import { placeOfPostgres } from '../config/values.ts'
import { readConfig } from '../config.ts'
import { logFacts, openLog } from '../log.ts'
import { isDatabaseAway } from '../store/database/away.ts'
import { type Moved, moveFolder } from '../store/move/move.ts'
import { CommandFault } from './fault.ts'
import { openBar } from './remote/progress.ts'
import { count } from './remote/remote.ts'

export async function move(): Promise<void> {
  const config = readConfig()
  const { dataDir, databaseSchema: schema } = config.settings
  const url = config.secrets.databaseUrl
  if (url === undefined) throw new CommandFault(`DATABASE_URL is not set: where is the database in ${dataDir} to go?`)
  const log = openLog(config.settings.logLevel)
  const emit = logFacts(log)
  const { host, name } = placeOfPostgres(url)
  const place = `PostgreSQL at ${host}/${name}, schema ${schema}`
  // Somebody looks at it: a wrong address is told, and not waited for.
  const to = await openDatabase(config, emit, log, AbortSignal.abort()).catch((error: unknown) => {
    throw isDatabaseAway(error) ? new CommandFault(notThere(place, error as Error)) : error
  })
  const bar = openBar('  {bar} {percentage} %  {done} of {whole}  {table}')
  try {
    const moved = await moveFolder(to, {
      dataDir,
      schema,
      place,
      emit,
      tell({ done, whole, table }) {
        const shown = { done: count(done), whole: count(whole), table }
        if (bar.isActive) bar.update(done, shown)
        else bar.start(whole, done, shown)
      },
    })
    bar.stop()
    process.stdout.write(told(moved, place, dataDir))
  } catch (error) {
    throw isDatabaseAway(error) ? new CommandFault(interrupted(error as Error)) : error
  } finally {
    bar.stop()
    await to.close()
  }
}

const notThere = (place: string, { message }: Error) =>
  `${place}, does not answer (${message}). Is it running, and can it be written to? DATABASE_URL says where it is.`
const interrupted = ({ message }: Error) =>
  `The move was interrupted (${message}). Run the same command again: it begins anew, or finds that everything has come.`

function told({ counts, kept }: Moved, place: string, dataDir: string): string {
  const what = (Object.entries(counts ?? {}) as [string, number][])
    .filter(([, rows]) => rows > 0)
    .map(([table, rows]) => `  ${table.replaceAll('_', ' ').padEnd(14)} ${count(rows).padStart(12)}`)
  return [
    counts === undefined
      ? `Everything had come to ${place}, when the last move was interrupted.`
      : `Moved to ${place}:`,
    ...what,
    '',
    `From now on start with this DATABASE_URL. The keys stay in ${dataDir}: keep DATA_DIR as it is, or set JWT_SECRET and`,
    `OPERATOR_KEY. The old database lies in ${kept}, and can be deleted.`,
    '',
  ].join('\n')
}
