/** What the document says of all routes. */
import { appDocs } from './of-apps.ts'
import { notifyDocs } from './of-notify.ts'
import { operatorDocs } from './of-operators.ts'
import { serverDocs } from './of-the-server.ts'
import type { RouteDoc } from './route-doc.ts'

/** By method and address, as the router has them. */
export const docs: Record<string, RouteDoc> = { ...appDocs, ...notifyDocs, ...operatorDocs, ...serverDocs }

/** Not in the document: files of pages, and the pages themselves. */
export const excused = [
  /^GET \/console(\/assets\/:file)?$/,
  /^GET \/docs(\/:file)?$/,
  /^[A-Z]+ \/sandbox(\/|$)/,
  /^(HEAD|OPTIONS) /,
]
