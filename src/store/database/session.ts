import type { ClientBase } from 'pg'

/**
 * `pg` reads times in no other style; who waited for a row counts on seeing what it has become; and the regular expressions in
 * the queue's functions have backslashes.
 */
const AS_WE_NEED_IT =
  "set datestyle = 'ISO'; set default_transaction_isolation = 'read committed'; set standard_conforming_strings = on"

/**
 * What was asked over a connection that has been given up (`called-back.ts`) would wait on at the server, behind a table that somebody
 * holds, and with each that follows take one of its connections. Windows cannot look, and refuses.
 */
const LOOK_FOR_US = "set client_connection_check_interval = '5s'"

/** Until a connection is made. */
export const CONNECT_TIMEOUT_MS = 5_000

/** Whatever the database's administrator likes better for other programs. Asked first of all on a connection. */
export function setUp(client: ClientBase): void {
  for (const setting of [AS_WE_NEED_IT, LOOK_FOR_US]) client.query(setting).catch(() => undefined)
}
