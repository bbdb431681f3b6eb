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
  },
  {
    id: 'M17',
    what: 'whoever knows a push token logs it out: the owner is missing in a WHERE',
    file: 'src/store/tokens/push-tokens.ts',
    find: "where user_id = ${r.userId} and inactive_reason is distinct from 'logged_out'",
    replace: "where inactive_reason is distinct from 'logged_out'",
    test: 'test/security/s03-token-moves.test.ts',
    kind: 'postgres',
  },
  {
    id: 'M18',
    what: 'the console shows a title as markup',
    file: 'console/src/sections/notifications.tsx',
    find: "<a href={to('notifications', one.id)}>{one.title ?? one.body ?? 'Without words'}</a>",
    replace: "<a href={to('notifications', one.id)} dangerouslySetInnerHTML={{ __html: one.title ?? '' }} />",
    test: 'test/security/s09-xss.test.ts',
    kind: 'postgres',
  },
  {
    id: 'M18b',
    what: 'the sandbox shows a title as markup',
    file: 'src/sandbox/page/main.js',
    find: "byId('said').textContent = ",
    replace: "byId('said').innerHTML = ",
    test: 'test/security/s09-xss.test.ts',
    kind: 'pglite',
  },
  {
    id: 'M19',
    what: 'a log line holds a push token whole, because nothing is masked',
    file: 'src/domain/push-token.ts',
    find: '  const masked = maskPushTokensIn(token)\n',
    replace: "  if (token !== '') return token\n  const masked = maskPushTokensIn(token)\n",
    test: 'test/security/s11-canaries.test.ts',
    kind: 'postgres',
  },
  {
    id: 'M19b',
    what: 'a debug line holds the header with which somebody signs in',
    file: 'src/api/http/listener.ts',
    find: '    allowSilence(request, IDLE_TIMEOUT_MS)\n',
    replace: "    request.log.debug({ authorization: request.headers.authorization }, 'a request')\n",
    test: 'test/security/s11-canaries.test.ts',
    kind: 'postgres',
  },
]
