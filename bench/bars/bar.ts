export interface Bar {
  bar: string
  /** Measured must be below it. */
  limit: number
  measured: number
  unit: string
}
