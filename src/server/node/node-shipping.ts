import { type Instant, instant } from '../../core/ids.ts'
import type { NodeStatus } from '../../core/operator.ts'
import type { ShipDestination } from '../../outbound/shipping/destination.ts'
import {
  type ShipperParts,
  type ShipStats,
  TrailShipper,
} from '../../outbound/shipping/trail-shipper.ts'
import { type Repetition, repeat } from '../repeat.ts'

/** How often is looked for files that are to be shipped. */
const ROUND_MS = 2000

/** A shipper tells of its failures itself. */
const ignore = (): void => undefined

/** The copies of a node's trail, at all its destinations. */
export interface NodeShipping {
  /** From now on what is there is shipped. */
  start(): void
  stats(): readonly ShipStats[]
  describe(): NonNullable<NodeStatus['shipping']>
  /** Up to when all digests, with all that they name, are at every destination: what is newer must stay. */
  shippedUntil(now: Instant): Promise<Instant>
  close(): Promise<void>
}

/** Puts the shipping of a node's trail together. */
export function composeShipping(
  parts: Omit<ShipperParts, 'destination'>,
  destinations: readonly ShipDestination[],
): NodeShipping {
  const shippers = destinations.map((destination) => new TrailShipper({ ...parts, destination }))
  const rounds: Repetition[] = []
  return {
    start() {
      for (const shipper of shippers) rounds.push(repeat(() => shipper.round(), ROUND_MS, ignore))
    },
    stats: () => shippers.map((shipper) => shipper.stats()),
    describe: () =>
      shippers.map((shipper) => {
        const { destination, behindMs, failure } = shipper.stats()
        const behindSeconds = Math.round(behindMs / 1000)
        return { destination, behindSeconds, ...(failure !== undefined && { failure }) }
      }),
    async shippedUntil(now) {
      const all = await Promise.all(shippers.map((shipper) => shipper.shippedUntil(now)))
      return instant(Math.min(now, ...all))
    },
    async close() {
      const closed = shippers.map((shipper) => shipper.close())
      await Promise.all([...closed, ...rounds.map((round) => round.stop())])
    },
  }
}
