/** The metrics of one process, as Prometheus reads them. */
export interface MetricsPart {
  /** Empty where the samples say themselves which worker they are about. */
  readonly worker: string
  readonly text: string
}

interface Family {
  /** `# HELP` and `# TYPE`. */
  readonly head: string[]
  readonly samples: string[]
}

const END = '# EOF'

/**
 * The metrics of several processes in one text: each sample says in the label `worker` whose it is, and
 * those of one family stand together, as the format wants it.
 *
 * **Source:** Prometheus, Exposition formats, text format 0.0.4; OpenMetrics 1.0.0.
 */
export function mergeMetrics(parts: readonly MetricsPart[]): string {
  const families = new Map<string, Family>()
  let hasEnd = false
  for (const { worker, text } of parts) {
    let family: Family | undefined
    let isNew = false
    for (const line of text.split('\n')) {
      if (line === END) hasEnd = true
      if (line === '' || line === END) continue
      if (line.startsWith('# HELP ')) {
        const name = line.split(' ', 3)[2] ?? ''
        family = families.get(name)
        isNew = family === undefined
        family ??= { head: [], samples: [] }
        families.set(name, family)
      }
      if (!line.startsWith('#')) family?.samples.push(labelled(line, worker))
      else if (isNew) family?.head.push(line)
    }
  }
  const lines = [...families.values()].flatMap(({ head, samples }) => [...head, ...samples])
  return `${[...lines, ...(hasEnd ? [END] : [])].join('\n')}\n`
}

/** `name{a="b"} 1` and `name 1` with one label more. */
function labelled(sample: string, worker: string): string {
  if (worker === '') return sample
  const name = /^[^{\s]+/.exec(sample)?.[0] ?? ''
  const rest = sample.slice(name.length)
  const label = `worker="${worker}"`
  return rest.startsWith('{') ? `${name}{${label},${rest.slice(1)}` : `${name}{${label}}${rest}`
}
