/** The page and its files. There is no build step: what lies in `page/` is what the browser gets. */
import { createReadStream, readdirSync, readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { FastifyInstance } from 'fastify'
import type { Sandbox } from './sandbox.ts'

const config = { caller: 'sandbox' } as const
const pageDir = fileURLToPath(new URL('./page/', import.meta.url))
const fontDir = dirname(createRequire(import.meta.url).resolve('@fontsource/noto-color-emoji/400.css'))
const emojiFont = 'noto-color-emoji-emoji-400-normal.woff2'

const types: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
}

export async function pageRoutes(app: FastifyInstance, options: { sandbox: Sandbox; base: string }): Promise<void> {
  const { sandbox, base } = options
  const files = pageFiles()
  const emojiCss = emojiStyles(readFileSync(join(fontDir, '400.css'), 'utf8'))

  app.get('/', { config }, async (_request, reply) => {
    const html = await readFile(join(pageDir, 'index.html'), 'utf8')
    reply.header('content-security-policy', policy(sandbox.options.belfryBaseUrl))
    reply.header('cache-control', 'no-cache').header('x-content-type-options', 'nosniff')
    return reply.type('text/html; charset=utf-8').send(html.replace('<base href="./">', `<base href="${base}/">`))
  })
  app.get('/assets/emoji.css', { config }, (_request, reply) =>
    reply.type('text/css; charset=utf-8').header('cache-control', 'no-cache').send(emojiCss),
  )
  app.get('/assets/:file', { config }, async (request, reply) => {
    const { file } = request.params as { file: string }
    const path = files.get(file)
    if (path === undefined)
      return reply.code(404).send({ success: false, error: 'There is no such file.', code: 'not_found' })
    reply.type(types[extname(file)]!).header('cache-control', 'no-cache').header('x-content-type-options', 'nosniff')
    return reply.send(await readFile(path))
  })
  app.get(`/assets/${emojiFont}`, { config }, (_request, reply) =>
    reply
      .type('font/woff2')
      .header('cache-control', 'public, max-age=31536000, immutable')
      .send(createReadStream(join(fontDir, 'files', emojiFont))),
  )
  app.get('/events', { config, exposeHeadRoute: false }, (request, reply) => {
    reply.hijack()
    request.raw.socket.setTimeout(0)
    sandbox.events.listen(reply.raw, sandbox.snapshot())
  })
}

/** File name -> path. What is not in this list is not served. */
function pageFiles(): Map<string, string> {
  const folders = [pageDir, join(pageDir, 'styles')]
  const all = folders.flatMap((folder) => readdirSync(folder).map((name) => [name, join(folder, name)] as const))
  return new Map(all.filter(([name]) => extname(name) !== '.html' && extname(name) in types))
}

/** Nothing inline, nothing from elsewhere; the page talks to this server, and to Belfry where that is another one. */
function policy(belfry: string | null | undefined): string {
  const connect = belfry && URL.canParse(belfry) ? `'self' ${new URL(belfry).origin}` : "'self'"
  return `default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self' data:; connect-src ${connect}; base-uri 'self'; form-action 'none'; frame-ancestors 'none'`
}

/**
 * The bundled emoji under a name of their own: a computer's own colour emoji go first, and digits, `#`, `*`, © and ®
 * stay text. The package's small subsets hold SVG glyphs only, which Chromium cannot draw; this one file has both kinds.
 */
function emojiStyles(css: string): string {
  const ranges = [...css.matchAll(/unicode-range: ([^;]+);/g)].map((match) =>
    match[1]!.replace('U+23,U+2a,U+30-39,U+a9,U+ae,', ''),
  )
  return `@font-face {
  font-family: 'Belfry Emoji';
  font-display: swap;
  src: local('Apple Color Emoji'), local('Segoe UI Emoji'), local('Noto Color Emoji'), url(${emojiFont}) format('woff2');
  unicode-range: ${ranges.join(',')};
}
`
}
