/** A CPU profile of Node, added up by function and by part of the program. */
import { show } from './figures.ts'

const FUNCTIONS_SHOWN = 40

interface Frame {
  functionName: string
  url: string
  lineNumber: number
}

export interface Profile {
  nodes: { id: number; callFrame: Frame; children?: number[] }[]
  samples: number[]
  timeDeltas: number[]
}

/**
 * Self time: what a function did itself, not what it called. Node's own functions and native ones are told with the
 * first function below them that is not Node's, because that is who can be mended.
 */
export function tellFunctions({ nodes, samples, timeDeltas }: Profile): void {
  const frames = new Map(nodes.map(({ id, callFrame }) => [id, callFrame]))
  const parents = new Map(nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id] as const)))
  const caller = (id: number | undefined): Frame | undefined => {
    for (let at = id; at !== undefined; at = parents.get(at)) {
      const frame = frames.get(at)
      if (frame && isNamed(frame)) return frame
    }
    return undefined
  }
  const [byFunction, byCaller, byPart] = [new Map(), new Map(), new Map()] as Map<string, number>[]
  let busy = 0
  samples.forEach((id, at) => {
    const frame = frames.get(id)
    if (!frame || frame.functionName === '(idle)') return
    const ms = (timeDeltas[at] ?? 0) / 1_000
    busy += ms
    const by = caller(id)
    add(byPart!, by ? placeOf(by.url).part : 'node', ms)
    add(byFunction!, nameOf(frame), ms)
    if (by && by !== frame) add(byCaller!, `${nameOf(frame)}  <-  ${nameOf(by)}`, ms)
  })
  const tables = { 'By part, with what it calls of Node': byPart!, 'By function': byFunction!, 'Called by': byCaller! }
  for (const [title, times] of Object.entries(tables)) {
    console.log(`\n${title}: self time, of ${show(busy)} ms`)
    for (const [name, ms] of [...times].toSorted((a, b) => b[1] - a[1]).slice(0, FUNCTIONS_SHOWN))
      console.log(`${show((100 * ms) / busy).padStart(6)} %  ${show(ms).padStart(7)} ms  ${name}`)
  }
}

const isNamed = ({ url }: Frame): boolean => url !== '' && !url.startsWith('node:')

function nameOf({ functionName, url, lineNumber }: Frame): string {
  return `${functionName || '(anonymous)'}  ${url === '' ? '(native)' : `${placeOf(url).file}:${lineNumber + 1}`}`
}

function placeOf(url: string): { file: string; part: string } {
  const [, ours] = /\/((?:src|bench)\/.*)$/.exec(url) ?? []
  const [, packageName, rest] = /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)\/(.*)$/.exec(url) ?? []
  if (packageName !== undefined) return { file: `${packageName}/${rest}`, part: packageName }
  if (ours !== undefined) return { file: ours, part: ours.split('/').slice(0, 2).join('/') }
  return { file: url, part: url.startsWith('wasm:') ? 'WebAssembly' : 'node' }
}

function add(sums: Map<string, number>, key: string, ms: number): void {
  sums.set(key, (sums.get(key) ?? 0) + ms)
}
