/** What a scrape of `/-/metrics` said: metrics with their types, and samples with their labels. */
export interface Scrape {
  readonly metrics: ReadonlyMap<string, { readonly type: string; readonly help: string }>
  readonly samples: readonly Sample[]
}

export interface Sample {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

const SAMPLE = /^(?<name>[a-z_][a-z0-9_]*)(?:\{(?<labels>.*)\})? (?<value>\S+)$/
const LABEL = /([a-z_][a-z0-9_]*)="((?:[^"\\]|\\.)*)"/g

/** Reads the Prometheus text format; throws where a line is no part of it. */
export function readExposition(text: string): Scrape {
  const metrics = new Map<string, { type: string; help: string }>()
  const samples: Sample[] = []
  for (const line of text.split('\n')) {
    if (line === '') continue
    const [, keyword, name, rest] = /^# (HELP|TYPE) (\S+) (.*)$/.exec(line) ?? []
    if (name !== undefined && rest !== undefined) {
      const known = metrics.get(name) ?? { type: '', help: '' }
      metrics.set(name, keyword === 'HELP' ? { ...known, help: rest } : { ...known, type: rest })
      continue
    }
    const sample = SAMPLE.exec(line)?.groups
    if (sample === undefined) throw new Error(`no line of the text format: ${line}`)
    const labels = [...(sample['labels'] ?? '').matchAll(LABEL)].map(([, label, value]) => [
      label ?? '',
      value ?? '',
    ])
    samples.push({
      name: sample['name'] ?? '',
      labels: Object.fromEntries(labels),
      value: Number(sample['value']?.replace('+Inf', 'Infinity')),
    })
  }
  return { metrics, samples }
}

/** Asks a node for its metrics. */
export async function scrape(endpoint: string): Promise<Scrape> {
  const reply = await fetch(`${endpoint}/-/metrics`)
  if (reply.status !== 200) throw new Error(`the metrics were answered with ${reply.status}`)
  return readExposition(await reply.text())
}

/** The metric that a sample belongs to. */
export const metricOf = ({ metrics }: Scrape, name: string): string =>
  metrics.has(name) ? name : name.replace(/_(bucket|sum|count)$/, '')
