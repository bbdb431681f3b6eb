/** Tables of which only operators are told, as TypeScript sees them. */
import type { ColumnType, Generated } from 'kysely'
import type { Scope } from '../../domain/scope.ts'

/**
 * Of a key only its hash is known; `old_hash` is what it was before it was renewed, and holds a while longer. `is_shown` is false from
 * then on until somebody has shown the new secret.
 */
export interface ServerKeysTable {
  id: string
  name: string
  prefix: string
  hash: Buffer
  old_hash: Buffer | null
  old_until: Date | null
  is_shown: Generated<boolean>
  scopes: Scope[]
  created_at: Generated<Date>
  last_used_at: Date | null
  expires_at: Date | null
  revoked_at: Date | null
}

export interface AuditTable {
  id: Generated<number>
  at: Generated<Date>
  actor: string
  action: string
  subject: string
  detail: ColumnType<object, string, string>
}
