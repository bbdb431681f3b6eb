/** What Prometheus asks for: facts that were counted, what the database says now, and how the process is. */
import { collectDefaultMetrics, Gauge, Registry } from 'prom-client'
import type { Emit } from '../ports.ts'
import type { Database } from '../store/open.ts'
import { countFacts } from './counters.ts'
import { openGauges } from './gauges.ts'

export interface Metrics {
  /** Counts what is told. */
  emit: Emit
  /** From now on scrapes also say what this database holds. */
  watch(database: Database, rateLimit: number): void
  scrape(): Promise<{ contentType: string; text: string }>
}

/** @param build what this is: version, mode, role. */
export function openMetrics(build: Record<string, string>): Metrics {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const labels = { ...build, node: process.version }
  new Gauge({
    name: 'belfry_build_info',
    help: 'Always 1; the labels say what is running.',
    labelNames: Object.keys(labels),
    registers: [registry],
  }).set(labels, 1)
  let lookAtDatabase: (() => Promise<void>) | undefined
  return {
    emit: countFacts(registry),
    watch: (database, rateLimit) => {
      lookAtDatabase = openGauges(registry, database, rateLimit)
    },
    async scrape() {
      await lookAtDatabase?.()
      return { contentType: registry.contentType, text: await registry.metrics() }
    },
  }
}
