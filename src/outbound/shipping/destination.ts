import type { TrailObjects } from '../../audit/trail/trail-objects.ts'

export type ShippedObject = Parameters<TrailObjects['put']>[1]

/** Somewhere that copies of the trail's files go. */
export interface ShipDestination {
  /** What it is called in the store and to people: always the same for the same place, and free of secrets. */
  readonly name: string
  /**
   * Puts a copy in its place, whatever is there. Whole, durable and looked at again once resolved.
   * @throws {DependencyError} whose message may be shown
   */
  put(accountId: string, object: ShippedObject, signal: AbortSignal): Promise<void>
  close(): void
}
