/** Values of the labels of one series, in the order of its family's label names. */
export type LabelValues = readonly string[]

/** One number that is counted up, or set where it is counted elsewhere. Whoever counts often holds on to it. */
export class Series {
  readonly labels: LabelValues
  value = 0

  constructor(labels: LabelValues) {
    this.labels = labels
  }

  add(amount = 1): void {
    this.value += amount
  }
}

/** How often values fell into each of a fixed row of buckets, and what they came to together. */
export class Histogram {
  readonly labels: LabelValues
  /** Upper bounds, inclusive, growing; one more bucket holds what is above them all. */
  readonly bounds: readonly number[]
  /** Not summed up: one for each bound and one more. */
  readonly counts: Float64Array
  sum = 0
  #count = 0

  constructor(labels: LabelValues, bounds: readonly number[]) {
    this.labels = labels
    this.bounds = bounds
    this.counts = new Float64Array(bounds.length + 1)
  }

  observe(value: number): void {
    const { bounds, counts } = this
    let at = 0
    // Most values are small: a walk from below is shorter than a search by halves.
    while (at < bounds.length && value > (bounds[at] ?? 0)) at++
    counts[at] = (counts[at] ?? 0) + 1
    this.sum += value
    this.#count++
  }

  get count(): number {
    return this.#count
  }
}
