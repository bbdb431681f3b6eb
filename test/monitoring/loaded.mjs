/** Preloaded by a test: says which of OpenTelemetry's modules the program loads. */
import { registerHooks } from 'node:module'

registerHooks({
  load(url, context, next) {
    const [, name] = /node_modules\/(@opentelemetry\/[\w-]+)\//.exec(url) ?? []
    if (name !== undefined) process.stdout.write(`loads ${name}\n`)
    return next(url, context)
  },
})
