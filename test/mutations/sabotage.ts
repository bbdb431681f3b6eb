/**
 * Sabotage, as data: a piece of the program's source, what it is replaced by, and the test that must turn red. Where a
 * piece is no longer there the script says so: a mutation that cannot be applied has caught nothing.
 */
import { ofGuards } from './sabotage-of-guards.ts'
import { ofSecurity } from './sabotage-of-security.ts'

export interface Sabotage {
  id: string
  what: string
  file: string
  /** The first of these that is there. */
  find: string | string[]
  replace: string
  /** Of the battery, by its id; or a file of the test suite. */
  test: string
  kind: 'pglite' | 'postgres'
  /** What stands in a red line that tells of this, and of nothing else: of what it says, or of its test's name. One of them is enough. */
  red: string | string[]
}

const GUARD = 'where d.id = s.id and d.attempt = s.attempt and d.state = 1'

export const sabotages: Sabotage[] = [
  {
    id: 'M1',
    what: 'no guard in the settle',
    file: 'src/store/ledger/deliveries.ts',
    find: GUARD,
    replace: 'where d.id = s.id',
    test: 'R3',
    kind: 'postgres',
    red: 'tickets were overwritten or thrown away',
  },
  {
    id: 'M2',
    what: 'the answer leaves before COMMIT, which takes as long as a slow disk does',
    file: 'src/api/http/idempotency.ts',
    find: ['await db.transaction(work)', 'db.transaction(work)'],
    replace: `await new Promise<Answer>((done, fail) => {
      db.transaction(async (tx) => {
        const early = await work(tx)
        done(early)
        await new Promise((slow) => setTimeout(slow, 30))
        return early
      }).catch(fail)
    })`,
    test: 'R1',
    kind: 'pglite',
    red: 'lost, such as',
  },
  {
    id: 'M3',
    what: 'settled before the call',
    file: 'src/delivery/request/sender.ts',
    find: '  const asked = parts.gateway.send(',
    replace: `  await Promise.all(begun.map((one) => parts.settle(settleAll(one, one.held, RESULT.accepted))))
  const asked = parts.gateway.send(`,
    test: 'R1',
    kind: 'postgres',
    red: ['lost, such as', 'the books call accepted'],
  },
  {
    id: 'M4',
    what: 'no total timeout on a call to Expo',
    file: 'src/expo/exchange.ts',
    find: '}, timeoutMs)',
    replace: '}, 2 ** 31 - 1)',
    test: 'R4',
    kind: 'postgres',
    red: 'in vain for everything that was accepted to end',
  },
  {
    id: 'M5',
    what: 'a token is retired on any error',
    file: 'src/domain/answers/judge.ts',
    find: "fate: aboutThisToken ? ruleFor(ticket.code).fate : 'keep',",
    replace: "fate: 'retire',",
    test: 'R8',
    kind: 'postgres',
    red: 'good tokens retired',
  },
  {
    id: 'M6',
    what: 'the index of a refused ticket is off by one',
    file: 'src/delivery/request/settle-tickets.ts',
    find: 'tokenId: parcel.delivery.token_ids[position] ?? 0,',
    replace: 'tokenId: parcel.delivery.token_ids[position + 1] ?? 0,',
    test: 'R8',
    kind: 'postgres',
    red: ['good tokens retired', 'dead tokens not retired'],
  },
  {
    id: 'M7',
    what: 'a token is retired although it has registered again since',
    file: 'src/store/tokens/judged.ts',
    find: 'and p.active and p.updated_at <= judged.sent_at',
    replace: 'and p.active',
    test: 'R8',
    kind: 'postgres',
    red: 'good tokens retired',
  },
  {
    id: 'M8',
    what: "nobody listens to the pool's errors",
    file: 'src/store/open.ts',
    find: "  pool.on('error', (error) => options.emit('database.error', { error: error.message }))\n",
    replace: '',
    test: 'R2',
    kind: 'postgres',
    red: ['the process died of idle connections', 'the process has died'],
  },
  {
    id: 'M8b',
    what: "the queue's connections are waited for without end",
    file: 'src/store/database/called-back.ts',
    find: '    callBack(this)\n',
    replace: '',
    test: 'R2',
    kind: 'postgres',
    red: 'in vain for work to go on after',
  },
  {
    id: 'M9',
    what: '5xx is final',
    file: 'src/expo/gateway.ts',
    find: '(status === 200 || (status >= 400 && status < 500))',
    replace: '(status === 200 || status >= 400)',
    test: 'R4',
    kind: 'postgres',
    red: 'the books call accepted or refused, and Expo does not',
  },
  {
    id: 'M10',
    what: 'each process has the whole limit for itself',
    file: 'src/delivery/turns/pace.ts',
    find: "const project = request.project ?? ''",
    replace: "const project = `${request.project ?? ''} of ${process.pid}`",
    test: 'R10',
    kind: 'postgres',
    red: 'asked for in a second, 600 allowed',
  },
  {
    id: 'M10b',
    what: 'broadcasts keep no connection free, however slow Expo is',
    file: 'src/delivery/turns/connections.ts',
    find: 'function keptFree(): number {',
    replace: 'function keptFree(): number {\n    if (max > 0) return 0',
    test: 'R10',
    kind: 'postgres',
    red: 'a direct message took',
  },
  {
    id: 'M11',
    what: 'poison is not isolated: the whole request is refused',
    file: 'src/delivery/request/divide-request.ts',
    find: 'return groups ? goOnIn(parts, only, request, groups) : refuseLast(parts, only, request, refusal)',
    replace: 'void groups, goOnIn\n  return refuseLast(parts, only, request, refusal)',
    test: 'R7',
    kind: 'postgres',
    red: ['devices did not ring', 'refused in the books'],
  },
  {
    id: 'M12',
    what: 'a start recovers the work of those that are alive',
    file: 'src/store/open.ts',
    find: 'if (way.handle) await releaseAbandoned(boss, way.handle, queueSchema)',
    replace:
      'await releaseAbandoned(boss, (way.handle ?? { executeSql: (text: string) => sql.raw(text).execute(kysely) }) as never, queueSchema)',
    test: 'R5',
    kind: 'postgres',
    red: 'duplicates, 0 allowed',
  },
  {
    id: 'M13',
    what: 'receipts are asked for once',
    file: 'src/delivery/receipts.ts',
    find: "if (again.length > 0) await tx.enqueue('receipts', again, afterMs)",
    replace: '',
    test: 'R13',
    kind: 'postgres',
    red: ['without a receipt', 'a missing receipt was looked for'],
  },
  {
    id: 'M14',
    what: 'credentials suspend the whole project',
    file: 'src/store/tokens/token-fates.ts',
    find: 'const changed = await setInactive(tx, judged,',
    replace: `const all = await tx.kysely.selectFrom('push_tokens').select('id').execute()
  const of = judged[0]?.deliveryId ?? 0
  const changed = await setInactive(tx, judged.length === 0 ? [] : all.map(({ id }) => ({ id, deliveryId: of })),`,
    test: 'R9',
    kind: 'postgres',
    red: 'suspended,',
  },
  {
    id: 'M15',
    what: 'no lock on the folder',
    file: 'src/store/open.ts',
    find: 'const lock = await lockFolder(options.dataDir)',
    replace: 'const lock = { release: async () => void lockFolder }',
    test: 'R11',
    kind: 'pglite',
    red: 'a second process opened the same folder',
  },
  ...ofSecurity,
  ...ofGuards,
  {
    id: 'M20',
    what: 'the cursor moves outside the transaction that makes the chunks',
    file: 'src/store/ledger/fan-out.ts',
    find: '  const middle = chunks.length >> 1',
    replace:
      '  await sql`commit`.execute(tx.kysely)\n  await sql`begin`.execute(tx.kysely)\n  const middle = chunks.length >> 1',
    test: 'R1b',
    kind: 'postgres',
    red: ['mid_fan_out: ', 'in vain for everything that was accepted to end'],
  },
  {
    id: 'M21',
    what: "schedules by the application's clock",
    file: 'src/store/queue/queue.ts',
    find: '...(afterMs ? { startAfter: afterMs / 1000 } : {})',
    replace: '...(afterMs ? { startAfter: new Date(Date.now() + afterMs) } : {})',
    test: 'R12',
    kind: 'postgres',
    red: [
      'after its time',
      'got what was sent for later',
      'in vain for everything that was accepted to end',
      'receipts were',
    ],
  },
  {
    id: 'G1',
    what: 'a settle asks only whether the delivery is being sent, not by whom',
    file: 'src/store/ledger/deliveries.ts',
    find: GUARD,
    replace: 'where d.id = s.id and d.state = 1',
    test: 'test/delivery/deaths.test.ts',
    kind: 'postgres',
    red: 'cannot begin, settle, release or split',
  },
  {
    id: 'G2',
    what: 'an intent takes what somebody else holds or has settled',
    file: 'src/store/ledger/deliveries.ts',
    find: 'where ${isOneOf(idsOf(planned))} and d.state = 0',
    replace: 'where ${isOneOf(idsOf(planned))}',
    test: 'test/delivery/deaths.test.ts',
    kind: 'postgres',
    red: 'cannot begin, settle, release or split',
  },
  {
    id: 'G3',
    what: 'late answers are thrown away',
    file: 'src/store/ledger/deliveries.ts',
    find: 'const late = rows.filter((row) => !held.has(row.id) && row.accepted > 0)',
    replace: 'const late = rows.filter(() => false)',
    test: 'R3',
    kind: 'postgres',
    red: 'tickets were overwritten or thrown away',
  },
  {
    id: 'G4',
    what: 'the flood is not undone',
    file: 'src/store/tokens/flood.ts',
    find: 'if (!flood) return 0',
    replace: 'return 0',
    test: 'R8',
    kind: 'postgres',
    red: ['good tokens retired', 'in vain for the flood to be undone'],
  },
  {
    id: 'G5',
    what: 'a key is claimed and not waited for: everybody works',
    file: 'src/store/notifications/idempotency.ts',
    find: 'if (!(await claimKey(tx, attempt))) return firstAnswer<Answer>(tx, attempt)',
    replace:
      'if (!(await claimKey(tx, attempt)) && (await firstAnswer(tx, attempt)) === null) return firstAnswer<Answer>(tx, attempt)',
    test: 'R16',
    kind: 'postgres',
    red: ['notifications, statuses', 'keys made'],
  },
  {
    id: 'G6',
    what: 'a stop does not wait for what is in flight',
    file: 'src/delivery/start.ts',
    find: 'await Promise.race([queue.stopWorking(), clock.wait(deadlineMs, given.signal)])',
    replace: 'void queue, void deadlineMs',
    test: 'R15',
    kind: 'postgres',
    red: ['duplicates, 0 allowed', 'ended with'],
  },
  {
    id: 'G7',
    what: 'a recovery or a release asks not whether it still holds the delivery',
    file: 'src/store/ledger/deliveries.ts',
    find: 'where d.id = h.id and d.attempt = h.attempt and d.state = 1\n',
    replace: 'where d.id = h.id\n',
    test: 'test/delivery/deaths.test.ts',
    kind: 'postgres',
    red: 'cannot begin, settle, release or split',
  },
  {
    id: 'G8',
    what: 'a page of the fan-out is cut again by a job that comes twice',
    file: 'src/store/ledger/fan-out.ts',
    find: 'where id = ${notificationId} and page = ${page} and not fan_out_done',
    replace: 'where id = ${notificationId} and not fan_out_done',
    test: 'test/delivery/fan-out-guard.test.ts',
    kind: 'postgres',
    red: 'comes twice cuts its page once',
  },
]
