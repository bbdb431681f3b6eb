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
  },
  {
    id: 'M4',
    what: 'no total timeout on a call to Expo',
    file: 'src/expo/exchange.ts',
    find: '}, timeoutMs)',
    replace: '}, 2 ** 31 - 1)',
    test: 'R4',
    kind: 'postgres',
  },
  {
    id: 'M5',
    what: 'a token is retired on any error',
    file: 'src/domain/answers/judge.ts',
    find: "fate: aboutThisToken ? ruleFor(ticket.code).fate : 'keep',",
    replace: "fate: 'retire',",
    test: 'R8',
    kind: 'postgres',
  },
  {
    id: 'M6',
    what: 'the index of a refused ticket is off by one',
    file: 'src/delivery/request/settle-tickets.ts',
    find: 'tokenId: parcel.delivery.token_ids[position] ?? 0,',
    replace: 'tokenId: parcel.delivery.token_ids[position + 1] ?? 0,',
    test: 'R8',
    kind: 'postgres',
  },
  {
    id: 'M7',
    what: 'a token is retired although it has registered again since',
    file: 'src/store/tokens/judged.ts',
    find: 'and p.active and p.updated_at <= judged.sent_at',
    replace: 'and p.active',
    test: 'R8',
    kind: 'postgres',
  },
  {
    id: 'M8',
    what: "nobody listens to the pool's errors",
    file: 'src/store/open.ts',
    find: "  pool.on('error', (error) => options.emit('database.error', { error: error.message }))\n",
    replace: '',
    test: 'R2',
    kind: 'postgres',
  },
  {
    id: 'M8b',
    what: "the queue's connections are waited for without end",
    file: 'src/store/database/called-back.ts',
    find: '    callBack(this)\n',
    replace: '',
    test: 'R2',
    kind: 'postgres',
  },
  {
    id: 'M9',
    what: '5xx is final',
    file: 'src/expo/gateway.ts',
    find: '(status === 200 || (status >= 400 && status < 500))',
    replace: '(status === 200 || status >= 400)',
    test: 'R4',
    kind: 'postgres',
  },
  {
    id: 'M10',
    what: 'each process has the whole limit for itself',
    file: 'src/delivery/turns/pace.ts',
    find: "const project = request.project ?? ''",
    replace: "const project = `${request.project ?? ''} of ${process.pid}`",
    test: 'R10',
    kind: 'postgres',
  },
  {
    id: 'M10b',
    what: 'broadcasts keep no connection free, however slow Expo is',
    file: 'src/delivery/turns/connections.ts',
    find: 'function keptFree(): number {',
    replace: 'function keptFree(): number {\n    if (max > 0) return 0',
    test: 'R10',
    kind: 'postgres',
  },
  {
    id: 'M11',
    what: 'poison is not isolated: the whole request is refused',
    file: 'src/delivery/request/divide-request.ts',
    find: 'return groups ? goOnIn(parts, only, request, groups) : refuseLast(parts, only, request, refusal)',
    replace: 'void groups, goOnIn\n  return refuseLast(parts, only, request, refusal)',
    test: 'R7',
    kind: 'postgres',
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
  },
  {
    id: 'M13',
    what: 'receipts are asked for once',
    file: 'src/delivery/receipts.ts',
    find: "if (again.length > 0) await tx.enqueue('receipts', again, afterMs)",
    replace: '',
    test: 'R13',
    kind: 'postgres',
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
  },
  {
    id: 'M15',
    what: 'no lock on the folder',
    file: 'src/store/open.ts',
    find: 'const lock = await lockFolder(options.dataDir)',
    replace: 'const lock = { release: async () => void lockFolder }',
    test: 'R11',
    kind: 'pglite',
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
  },
  {
    id: 'M21',
    what: "schedules by the application's clock",
    file: 'src/store/queue/queue.ts',
    find: '...(afterMs ? { startAfter: afterMs / 1000 } : {})',
    replace: '...(afterMs ? { startAfter: new Date(Date.now() + afterMs) } : {})',
    test: 'R12',
    kind: 'postgres',
  },
  {
    id: 'G1',
    what: 'a settle asks only whether the delivery is being sent, not by whom',
    file: 'src/store/ledger/deliveries.ts',
    find: GUARD,
    replace: 'where d.id = s.id and d.state = 1',
    test: 'test/delivery/deaths.test.ts',
    kind: 'postgres',
  },
  {
    id: 'G2',
    what: 'an intent takes what somebody else holds or has settled',
    file: 'src/store/ledger/deliveries.ts',
    find: 'where ${isOneOf(idsOf(planned))} and d.state = 0',
    replace: 'where ${isOneOf(idsOf(planned))}',
    test: 'test/delivery/deaths.test.ts',
    kind: 'postgres',
  },
  {
    id: 'G3',
    what: 'late answers are thrown away',
    file: 'src/store/ledger/deliveries.ts',
    find: 'const late = rows.filter((row) => !held.has(row.id) && row.accepted > 0)',
    replace: 'const late = rows.filter(() => false)',
    test: 'R3',
    kind: 'postgres',
  },
  {
    id: 'G4',
    what: 'the flood is not undone',
    file: 'src/store/tokens/flood.ts',
    find: 'if (!flood) return 0',
    replace: 'return 0',
    test: 'R8',
    kind: 'postgres',
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
  },
  {
    id: 'G6',
    what: 'a stop does not wait for what is in flight',
    file: 'src/delivery/start.ts',
    find: 'await Promise.race([queue.stopWorking(), clock.wait(deadlineMs, given.signal)])',
    replace: 'void queue, void deadlineMs',
    test: 'R15',
    kind: 'postgres',
  },
  {
    id: 'G7',
    what: 'a recovery or a release asks not whether it still holds the delivery',
    file: 'src/store/ledger/deliveries.ts',
    find: 'where d.id = h.id and d.attempt = h.attempt and d.state = 1\n',
    replace: 'where d.id = h.id\n',
    test: 'test/delivery/deaths.test.ts',
    kind: 'postgres',
  },
  {
    id: 'G8',
    what: 'a page of the fan-out is cut again by a job that comes twice',
    file: 'src/store/ledger/fan-out.ts',
    find: 'where id = ${notificationId} and page = ${page} and not fan_out_done',
    replace: 'where id = ${notificationId} and not fan_out_done',
    test: 'test/delivery/fan-out-guard.test.ts',
    kind: 'postgres',
  },
]
