/** The audit log of the node, as what leaves the node is made from it. */
export interface LogSource {
  readonly nodeId: string
  /** The newest frame that is on stable storage; its sequence is 0 where there is none. */
  head(): { readonly sequence: number }
  /** Frames from this sequence on, up to about where the log ends at this moment. */
  frames(from: number): AsyncIterable<LogFrame>
}

/** One frame: see `audit/event.ts`. */
export interface LogFrame {
  readonly sequence: number
  readonly text: string
}
