/** A slice of work between two turns of the event loop. Unit: milliseconds. */
const SLICE_MS = 1
/** A turn that took longer served others: they are busy. */
const BUSY_MS = 1
/** How long the work then rests: it takes about a tenth of a busy loop's time. */
const REST_MS = 10
/** From this share of its time on an event loop counts as busy. */
const BUSY_SHARE = 0.5

/** Lets long work give way to calls: it is done in slices, with rests between them while the event loop is busy. */
export class Pace {
  readonly #mustHurry: () => boolean
  #urgent = 0
  #sliceStart = performance.now()

  /** @param mustHurry asked whenever it could rest */
  constructor(mustHurry: () => boolean) {
    this.#mustHurry = mustHurry
  }

  /** To be awaited between pieces of work, each well below a millisecond. */
  async turn(): Promise<void> {
    const now = performance.now()
    if (now - this.#sliceStart < SLICE_MS) return
    await new Promise<void>((resolve) => setImmediate(resolve))
    const isBusy = performance.now() - now > BUSY_MS
    if (isBusy && this.#urgent === 0 && !this.#mustHurry()) {
      await new Promise<void>((resolve) => setTimeout(resolve, REST_MS))
    }
    this.#sliceStart = performance.now()
  }

  /** While `work` is under way somebody waits: no rests. */
  async urgently<T>(work: () => Promise<T>): Promise<T> {
    this.#urgent += 1
    try {
      return await work()
    } finally {
      this.#urgent -= 1
    }
  }
}

/** Tells whether the event loop was busy since it was asked last. */
export function createBusyMeter(): () => boolean {
  let before = performance.eventLoopUtilization()
  return () => {
    const now = performance.eventLoopUtilization()
    const { utilization } = performance.eventLoopUtilization(now, before)
    before = now
    return utilization > BUSY_SHARE
  }
}
