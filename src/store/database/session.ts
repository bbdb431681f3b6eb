import type { ClientBase } from 'pg'

/**
 * `pg` reads times in no other style; who waited for a row counts on seeing what it has become; and the regular expressions in
 * the queue's functions have backslashes.
 */
const AS_WE_NEED_IT =
  "set datestyle = 'ISO'; set default_transaction_isolation = 'read committed'; set standard_conforming_strings = on"

/** Whatever the database's administrator likes better for other programs. Asked first of all on a connection. */
export function setUp(client: ClientBase): void {
  client.query(AS_WE_NEED_IT).catch(() => undefined)
}
