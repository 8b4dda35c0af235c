import type { Metric } from './registry.ts'
import { Histogram, type LabelValues, type Series } from './series.ts'

/**
 * The two texts that Prometheus reads.
 *
 * **Source:** Prometheus, Exposition formats, text format 0.0.4; OpenMetrics 1.0.0.
 */
export type ExpositionFormat = 'prometheus' | 'openmetrics'

export const CONTENT_TYPES: Readonly<Record<ExpositionFormat, string>> = {
  prometheus: 'text/plain; version=0.0.4; charset=utf-8',
  openmetrics: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
}

/** What a scraper asks for, which is the older format unless it names the newer one. */
export const formatOf = (accept: string | undefined): ExpositionFormat =>
  accept?.includes('application/openmetrics-text') === true ? 'openmetrics' : 'prometheus'

const escapeHelp = (text: string): string => text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')
const escapeLabel = (text: string): string => escapeHelp(text).replaceAll('"', '\\"')

function labelText(names: readonly string[], values: LabelValues, more = ''): string {
  const pairs = names.map((name, at) => `${name}="${escapeLabel(values[at] ?? '')}"`)
  if (more !== '') pairs.push(more)
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`
}

function numberText(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return '+Inf'
  return value === Number.NEGATIVE_INFINITY ? '-Inf' : String(value)
}

/** OpenMetrics wants the bounds of buckets as floats: `1.0`. */
const boundText = (bound: number, format: ExpositionFormat): string =>
  format === 'openmetrics' && Number.isInteger(bound) ? `${bound}.0` : String(bound)

function histogramLines(
  { name, labelNames }: Metric,
  histogram: Histogram,
  format: ExpositionFormat,
): string {
  const { labels, bounds, counts, sum, count } = histogram
  let text = ''
  let below = 0
  for (const [at, bound] of bounds.entries()) {
    below += counts[at] ?? 0
    text += `${name}_bucket${labelText(labelNames, labels, `le="${boundText(bound, format)}"`)} ${below}\n`
  }
  const own = labelText(labelNames, labels)
  return (
    `${text}${name}_bucket${labelText(labelNames, labels, 'le="+Inf"')} ${count}\n` +
    `${name}_sum${own} ${numberText(sum)}\n${name}_count${own} ${count}\n`
  )
}

const lineOf = ({ name, labelNames }: Metric, { labels, value }: Series): string =>
  `${name}${labelText(labelNames, labels)} ${numberText(value)}\n`

function metricText(metric: Metric, format: ExpositionFormat): string {
  // OpenMetrics names the family of a counter without the ending of its samples.
  const family =
    format === 'openmetrics' && metric.type === 'counter'
      ? metric.name.replace(/_total$/, '')
      : metric.name
  let text = `# HELP ${family} ${escapeHelp(metric.help)}\n# TYPE ${family} ${metric.type}\n`
  for (const series of metric.series()) {
    text +=
      series instanceof Histogram ? histogramLines(metric, series, format) : lineOf(metric, series)
  }
  return text
}

/** The metrics as a scraper reads them. */
export const exposeMetrics = (metrics: readonly Metric[], format: ExpositionFormat): string =>
  metrics.map((metric) => metricText(metric, format)).join('') +
  (format === 'openmetrics' ? '# EOF\n' : '')
