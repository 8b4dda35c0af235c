import { Histogram, type LabelValues, Series } from './series.ts'

export type MetricType = 'counter' | 'gauge' | 'histogram'

/** What a metric is called and means. */
export interface MetricDescription {
  /** With its unit, and `_total` at the end of a counter's. */
  readonly name: string
  /** One sentence, without a full stop. */
  readonly help: string
  readonly labels?: readonly string[]
  /** Of a counter: whether series that were never counted are shown, for where there are few and each matters. */
  readonly showsZero?: boolean
}

/** Label values are closed sets; more series of one metric than this are a mistake of ours. */
const SERIES_MAX = 5000
const NAME = /^[a-z][a-z0-9_]*$/

/** All series of one name. */
export interface Metric {
  readonly type: MetricType
  readonly name: string
  readonly help: string
  readonly labelNames: readonly string[]
  /** Those that have something to say. */
  series(): Iterable<Series | Histogram>
}

class Family<S extends Series | Histogram> implements Metric {
  readonly type: MetricType
  readonly name: string
  readonly help: string
  readonly labelNames: readonly string[]
  readonly #make: (labels: LabelValues) => S
  readonly #isSilent: (series: S) => boolean
  readonly #series = new Map<string, S>()

  constructor(
    type: MetricType,
    { name, help, labels = [] }: MetricDescription,
    make: (labels: LabelValues) => S,
    isSilent: (series: S) => boolean,
  ) {
    this.type = type
    this.name = name
    this.help = help
    this.labelNames = labels
    this.#make = make
    this.#isSilent = isSilent
  }

  /** The series of these label values, made when it is first asked for. To be held on to, not asked for on each call. */
  of(...labels: LabelValues): S {
    const key = labels.join('\u0000')
    const known = this.#series.get(key)
    if (known !== undefined) return known
    if (labels.length !== this.labelNames.length || this.#series.size >= SERIES_MAX) {
      throw new RangeError(`${this.name} has no series for ${labels.join(', ')}`)
    }
    const made = this.#make(labels)
    this.#series.set(key, made)
    return made
  }

  /** Forgets every series: for gauges whose label values come and go. */
  clear(): void {
    this.#series.clear()
  }

  *series(): Iterable<S> {
    for (const series of this.#series.values()) if (!this.#isSilent(series)) yield series
  }
}

export type SeriesFamily = Pick<Family<Series>, 'of' | 'clear'>
export type HistogramFamily = Pick<Family<Histogram>, 'of'>

/** Brings values up to date that are kept elsewhere. */
export type Reading = () => void | Promise<void>

const isUncounted = ({ labels, value }: Series): boolean => labels.length > 0 && value === 0
const isEmpty = ({ labels, count }: Histogram): boolean => labels.length > 0 && count === 0

/** The metrics of one node. */
export class Registry {
  readonly #metrics = new Map<string, Metric>()
  readonly #readings: Reading[] = []
  readonly #failures = this.counter({
    name: 'strongroom_metrics_reading_failures_total',
    help: 'Values that could not be read for the metrics and stayed what they were',
  }).of()

  /** Labelled series that were never counted are not shown: of most operations a node has nothing to say. */
  counter(description: MetricDescription): SeriesFamily {
    return this.#add(
      new Family(
        'counter',
        description,
        (labels) => new Series(labels),
        description.showsZero === true ? () => false : isUncounted,
      ),
      /_total$/,
    )
  }

  gauge(description: MetricDescription): SeriesFamily {
    return this.#add(
      new Family(
        'gauge',
        description,
        (labels) => new Series(labels),
        () => false,
      ),
      /(?<!_total)$/,
    )
  }

  /** @param bounds growing upper bounds of its buckets */
  histogram(description: MetricDescription, bounds: readonly number[]): HistogramFamily {
    return this.#add(
      new Family('histogram', description, (labels) => new Histogram(labels, bounds), isEmpty),
      /(?<!_total)$/,
    )
  }

  /** Adds what is to be done before the metrics are read. */
  read(reading: Reading): void {
    this.#readings.push(reading)
  }

  /** Every metric, in the order in which they were named, brought up to date. */
  async collect(): Promise<readonly Metric[]> {
    for (const reading of this.#readings) {
      try {
        await reading()
      } catch {
        // Whoever watches a node wants the rest most when something of it fails.
        this.#failures.add()
      }
    }
    return [...this.#metrics.values()]
  }

  #add<F extends Metric>(family: F, ending: RegExp): F {
    const { name } = family
    if (!NAME.test(name) || !ending.test(name) || this.#metrics.has(name)) {
      throw new RangeError(`${name} is no name for another ${family.type}`)
    }
    this.#metrics.set(name, family)
    return family
  }
}
