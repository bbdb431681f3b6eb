/** Asks one question of an embedded database that nobody has open: `read-folder.ts <folder> <statement>`. */
import { writeFileSync } from 'node:fs'
import { PGlite } from '@electric-sql/pglite'

const [dataDir = '', statement = ''] = process.argv.slice(2)
const database = await PGlite.create({ dataDir })
const { rows } = await database.query(statement)
await database.close()
writeFileSync(1, JSON.stringify(rows))
