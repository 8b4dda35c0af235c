import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const REPOSITORY = fileURLToPath(new URL('..', import.meta.url))

/** The parts of V8's .cpuprofile format that are read here. Source: Chrome DevTools Protocol, Profiler.Profile. */
interface CpuProfile {
  readonly nodes: readonly ProfileNode[]
  /** Microseconds of the machine's monotonic clock, the one of `process.hrtime`. */
  readonly startTime: number
  /** Node ids. */
  readonly samples: readonly number[]
  /** Microseconds between a sample and the one before. */
  readonly timeDeltas: readonly number[]
}

interface ProfileNode {
  readonly id: number
  readonly callFrame: {
    readonly functionName: string
    readonly url: string
    readonly lineNumber: number
  }
  readonly children?: readonly number[]
}

interface Share {
  readonly name: string
  /** Of the time that the main thread was busy, 0 to 1. */
  readonly share: number
}

/** Where the main thread of the server was while it was busy. */
export interface Dominators {
  /** By function, the callees' time not counted. */
  readonly functions: readonly Share[]
  /**
   * By folder of ours, with all that it calls in Node.js and V8: what is called from no code of ours
   * stands as `node`.
   */
  readonly layers: readonly Share[]
}

const IDLE = new Set(['(idle)', '(root)'])

/**
 * Reads the profile that `--cpu-prof` left in `folder`.
 * @param span Two readings of `process.hrtime`: start-up, warm-up and shutdown are left out.
 */
export function dominatorsOf(
  folder: string,
  { sinceMicros, untilMicros }: { readonly sinceMicros: number; readonly untilMicros: number },
): Dominators {
  const [content] = readdirSync(folder)
    .filter((name) => name.endsWith('.cpuprofile'))
    .map((name) => readFileSync(join(folder, name), 'utf8'))
  if (content === undefined) throw new Error('the server has written no profile')
  const profile: CpuProfile = JSON.parse(content)
  const layers = layersOf(profile.nodes)
  const functionMicros = new Map<string, number>()
  const layerMicros = new Map<string, number>()
  const names = new Map(profile.nodes.map((node) => [node.id, nameOf(node)]))
  let time = profile.startTime
  profile.samples.forEach((id, index) => {
    const micros = profile.timeDeltas[index] ?? 0
    const name = names.get(id) ?? '?'
    time += micros
    if (time < sinceMicros || time > untilMicros || IDLE.has(name)) return
    add(functionMicros, name, micros)
    add(layerMicros, name === '(garbage collector)' ? name : (layers.get(id) ?? 'node'), micros)
  })
  return { functions: sharesOf(functionMicros), layers: sharesOf(layerMicros) }
}

/** One line each, the largest first. */
export function listOfShares(shares: readonly Share[], count: number): string {
  return shares
    .slice(0, count)
    .map(({ name, share }) => `${(100 * share).toFixed(1).padStart(5)} %  ${name}`)
    .join('\n')
}

/** The nearest folder of ours on the way from each node to the root. */
function layersOf(nodes: readonly ProfileNode[]): ReadonlyMap<number, string> {
  const byId = new Map(nodes.map((node) => [node.id, node]))
  const layers = new Map<number, string>()
  const pending = nodes.slice(0, 1).map((node) => ({ node, inherited: 'node' }))
  for (const { node, inherited } of pending) {
    const own = /\/src\/(.*)\/[^/]*$/.exec(node.callFrame.url)?.[1]
    const layer = own === undefined ? inherited : `src/${own}`
    layers.set(node.id, layer)
    for (const child of node.children ?? []) {
      const next = byId.get(child)
      if (next !== undefined) pending.push({ node: next, inherited: layer })
    }
  }
  return layers
}

function nameOf({ callFrame: { functionName, url, lineNumber } }: ProfileNode): string {
  const name = functionName === '' ? '(anonymous)' : functionName
  if (url === '') return name
  const file = url.replace('file://', '').replace(REPOSITORY, '')
  return `${name}  ${file}:${lineNumber + 1}`
}

function add(sums: Map<string, number>, name: string, micros: number): void {
  sums.set(name, (sums.get(name) ?? 0) + micros)
}

function sharesOf(sums: ReadonlyMap<string, number>): Share[] {
  const total = [...sums.values()].reduce((sum, micros) => sum + micros, 0)
  return [...sums]
    .map(([name, micros]) => ({ name, share: micros / total }))
    .sort((a, b) => b.share - a.share)
}
