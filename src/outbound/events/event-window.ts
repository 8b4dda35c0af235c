import type { LogFrame, LogSource } from '../log-source.ts'
import { type ApiCallChoice, type BridgeEvent, eventsOf } from './bridge-event.ts'

/** Events that are delivered together; what a crash may have delivered twice is no more than this. */
export const WINDOW_EVENTS_MAX = 256
/** Unit: characters. */
const WINDOW_CHARS_MAX = 4_194_304
/** Frames that are looked at before others have their turn. */
const FRAMES_PER_TURN = 500
/** Frames of no interest to anybody that are read before the cursor is moved. */
const FRAMES_MAX = 50_000

/** Some events of the log, and how far it was read for them. */
export interface EventWindow {
  readonly events: readonly BridgeEvent[]
  readonly sequence: number
  /** Frames that should have come and are not in the log any more. */
  readonly missing: number
}

/** Reads the log once, from front to back, window by window; goes on where it ended when there is more. */
export class EventReader {
  readonly #source: LogSource
  readonly #apiCalls: ApiCallChoice
  #sequence: number
  #frames: AsyncIterator<LogFrame> | undefined
  /** Read, and beyond what was on stable storage then. */
  #ahead: LogFrame | undefined

  /** @param sequence of the last frame that is not wanted any more */
  constructor(source: LogSource, apiCalls: ApiCallChoice, sequence: number) {
    this.#source = source
    this.#apiCalls = apiCalls
    this.#sequence = sequence
  }

  /** The next events, at most so many frames' worth. `end`: what is behind it is left for later. */
  async next(eventsMax: number, end: number): Promise<EventWindow> {
    const events: BridgeEvent[] = []
    const most = Math.min(eventsMax, WINDOW_EVENTS_MAX)
    let chars = 0
    let frames = 0
    let missing = 0
    while (events.length < most && chars < WINDOW_CHARS_MAX && frames < FRAMES_MAX) {
      const frame = await this.#nextFrame(end)
      if (frame === undefined) break
      for (const event of eventsOf(frame.text, frame.sequence, this.#apiCalls)) {
        events.push(event)
        chars += event.text.length
      }
      missing += frame.sequence - this.#sequence - 1
      this.#sequence = frame.sequence
      frames += 1
      if (frames % FRAMES_PER_TURN === 0) await new Promise(setImmediate)
    }
    return { events, sequence: this.#sequence, missing }
  }

  /** Begins again behind a frame: what was read and not kept is read anew. */
  async rewind(sequence: number): Promise<void> {
    await this.close()
    this.#sequence = sequence
  }

  async close(): Promise<void> {
    const frames = this.#frames
    this.#frames = undefined
    this.#ahead = undefined
    await frames?.return?.()
  }

  async #nextFrame(end: number): Promise<LogFrame | undefined> {
    if (this.#sequence >= end) return undefined
    const ahead = this.#ahead
    if (ahead !== undefined) {
      if (ahead.sequence > end) return undefined
      this.#ahead = undefined
      return ahead
    }
    // A reader that has come to its end is done; the log may have grown since.
    this.#frames ??= this.#source.frames(this.#sequence + 1)[Symbol.asyncIterator]()
    const { done, value } = await this.#frames.next()
    if (done === true) {
      this.#frames = undefined
      return undefined
    }
    if (value.sequence <= end) return value
    this.#ahead = value
    return undefined
  }
}
