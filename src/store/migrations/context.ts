/** `schema` is ours; `queueSchema` is pg-boss's, and is there before any of these run. */
export interface MigrationContext {
  schema: string
  queueSchema: string
}
