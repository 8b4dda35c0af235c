import { DependencyError } from '../../core/errors.ts'
import type { BridgeEvent } from './bridge-event.ts'

/** Somewhere that events go. */
export interface EventSink {
  /** What it is called in the store and to people: always the same for the same place, and free of secrets. */
  readonly name: string
  /**
   * Whether each key's events go on their own way, one by one: what fails then holds back that key alone.
   * Otherwise all events are handed over in one order, many at a time, and what fails holds back all.
   */
  readonly perKey: boolean
  /**
   * Hands events over, in order; accepted once resolved.
   * @throws {DependencyError} whose message may be shown; `SinkGone` when it wants no more
   */
  deliver(events: readonly BridgeEvent[], signal: AbortSignal): Promise<void>
  close(): Promise<void>
}

/** A sink that says it is gone for good. */
export class SinkGone extends DependencyError {
  override readonly name = 'SinkGone'
}
