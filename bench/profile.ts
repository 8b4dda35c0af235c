import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const REPOSITORY = fileURLToPath(new URL('..', import.meta.url))

/** The parts of V8's .cpuprofile format that are read here. Source: Chrome DevTools Protocol, Profiler.Profile. */
interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number
    readonly callFrame: {
      readonly functionName: string
      readonly url: string
      readonly lineNumber: number
    }
  }[]
  readonly samples: readonly number[]
  /** Microseconds. */
  readonly timeDeltas: readonly number[]
}

const IDLE = new Set(['(idle)', '(root)'])

/**
 * The functions in which the profiled main thread spent its time, the callees' time not counted,
 * as a share of the time it was busy.
 */
export function topFunctions(folder: string, count: number): string {
  // A launcher in front of the server leaves a profile of its own: the larger one is the server's.
  const [content] = readdirSync(folder)
    .filter((name) => name.endsWith('.cpuprofile'))
    .map((name) => readFileSync(join(folder, name), 'utf8'))
    .sort((a, b) => b.length - a.length)
  if (content === undefined) throw new Error('the server has written no profile')
  // V8 wrote the file: the format is its contract.
  const profile: CpuProfile = JSON.parse(content)
  const names = new Map(profile.nodes.map(({ id, callFrame }) => [id, nameOf(callFrame)]))
  const selfMicros = new Map<string, number>()
  profile.samples.forEach((id, index) => {
    const name = names.get(id) ?? '?'
    if (IDLE.has(name)) return
    selfMicros.set(name, (selfMicros.get(name) ?? 0) + (profile.timeDeltas[index] ?? 0))
  })
  const busy = [...selfMicros.values()].reduce((sum, micros) => sum + micros, 0)
  return [...selfMicros]
    .sort(([, a], [, b]) => b - a)
    .slice(0, count)
    .map(([name, micros]) => `${((100 * micros) / busy).toFixed(1).padStart(5)} %  ${name}`)
    .join('\n')
}

function nameOf({
  functionName,
  url,
  lineNumber,
}: CpuProfile['nodes'][number]['callFrame']): string {
  const name = functionName === '' ? '(anonymous)' : functionName
  if (url === '') return name
  const file = url.replace('file://', '').replace(REPOSITORY, '')
  return `${name}  ${file}:${lineNumber + 1}`
}
