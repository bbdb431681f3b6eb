/**
 * Loaded before the program (`node --import`): hangs a fault on its failpoints. BELFRY_TEST_FAILPOINT is
 * `name:nth:action[:ms]`; the action is kill, kill-later (after ms), stop, delay or block (the event loop, for ms).
 * What was met is told on stderr, synchronously, so that a run can prove that it met its fault.
 */
import { writeSync } from 'node:fs'

const [wanted = '', nth = '1', action = 'kill', ms = '0'] = (process.env.BELFRY_TEST_FAILPOINT ?? '').split(':')
let met = 0

async function hook(name: string): Promise<void> {
  if (name !== wanted || ++met !== Number(nth)) return
  writeSync(2, `failpoint ${name} met: ${action}\n`)
  switch (action) {
    case 'kill':
      return void process.kill(process.pid, 'SIGKILL')
    case 'kill-later':
      await new Promise((done) => setTimeout(done, Number(ms)))
      return void process.kill(process.pid, 'SIGKILL')
    case 'stop':
      return void process.kill(process.pid, 'SIGSTOP')
    case 'delay':
      return new Promise((done) => setTimeout(done, Number(ms)))
    case 'block':
      return void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, Number(ms))
    default:
      throw new Error(`no such action: ${action}`)
  }
}

;(globalThis as { [key: symbol]: unknown })[Symbol.for('belfry.failpoint')] = hook
