/** What the security tests must turn red at. */
import type { Sabotage } from './sabotage.ts'

export const ofSecurity: Sabotage[] = [
  {
    id: 'M16',
    what: "the algorithm comes from the token's own header",
    file: 'src/api/callers/jwt.ts',
    find: "algorithms: settings.jwksUrl === undefined ? ['HS256'] : PUBLIC_KEY_ALGORITHMS,",
    replace: '',
    test: 'test/security/s04-forgeries.test.ts',
    kind: 'pglite',
    red: 'forged tokens is believed',
  },
  {
    id: 'M17',
    what: 'whoever knows a push token logs it out: the owner is missing in a WHERE',
    file: 'src/store/tokens/push-tokens.ts',
    find: "where user_id = ${r.userId} and inactive_reason is distinct from 'logged_out'",
    replace: "where inactive_reason is distinct from 'logged_out'",
    test: 'test/security/s03-token-moves.test.ts',
    kind: 'postgres',
    red: 'is taken off by nobody but its owner',
  },
  {
    id: 'M18',
    what: 'the console shows a title as markup',
    file: 'console/src/sections/notifications.tsx',
    find: "<a href={to('notifications', one.id)}>{one.title ?? one.body ?? 'Without words'}</a>",
    replace: "<a href={to('notifications', one.id)} dangerouslySetInnerHTML={{ __html: one.title ?? '' }} />",
    test: 'test/security/s09-xss.test.ts',
    kind: 'postgres',
    red: 'every page of the console shows it as text',
  },
  {
    id: 'M18b',
    what: 'the sandbox shows a title as markup',
    file: 'src/sandbox/page/main.js',
    find: "byId('said').textContent = ",
    replace: "byId('said').innerHTML = ",
    test: 'test/security/s09-xss.test.ts',
    kind: 'pglite',
    red: 'the page of the sandbox shows it as text',
  },
  {
    id: 'M19',
    what: 'a log line holds a push token whole, because nothing is masked',
    file: 'src/domain/push-token.ts',
    find: '  const masked = maskPushTokensIn(token)\n',
    replace: "  if (token !== '') return token\n  const masked = maskPushTokensIn(token)\n",
    test: 'test/security/s11-canaries.test.ts',
    kind: 'postgres',
    red: 'no secret is told',
  },
  {
    id: 'M19b',
    what: 'a debug line holds the header with which somebody signs in',
    file: 'src/api/http/listener.ts',
    find: '    allowSilence(request, IDLE_TIMEOUT_MS)\n',
    replace: "    request.log.debug({ authorization: request.headers.authorization }, 'a request')\n",
    test: 'test/security/s11-canaries.test.ts',
    kind: 'postgres',
    red: 'no secret is told',
  },
  {
    id: 'M22',
    what: 'a token names where its key is fetched',
    file: 'src/api/callers/jwt.ts',
    find: 'if (jwksUrl !== undefined) return keySetAt(new URL(jwksUrl))',
    replace:
      'if (jwksUrl !== undefined) return (header, token) => keySetAt(new URL(header?.jku ?? jwksUrl))(header, token)',
    test: 'test/security/s08-outgoing.test.ts',
    kind: 'pglite',
    red: 'no token names where its key is to be fetched',
  },
  {
    id: 'M22b',
    what: 'a redirect of Expo is followed',
    file: 'src/expo/gateway.ts',
    find: "import { Pool } from 'undici'",
    replace: `import { interceptors, Pool as Plain } from 'undici'
class Pool extends Plain {
  override dispatch(...[options, handler]: Parameters<Plain['dispatch']>) {
    return interceptors.redirect({ maxRedirections: 2 })(super.dispatch.bind(this))(options, handler)
  }
}`,
    test: 'test/security/s08-outgoing.test.ts',
    kind: 'pglite',
    red: 'connected to the three addresses of its settings only',
  },
  {
    id: 'M22c',
    what: 'a redirect of the key set is followed',
    file: 'src/api/callers/key-set.ts',
    find: 'await fetch(url, options)',
    replace: "await fetch(url, { ...options, redirect: 'follow' })",
    test: 'test/security/s08-outgoing.test.ts',
    kind: 'pglite',
    red: 'a redirect of the key set is not followed',
  },
]
