import type { NodeStatus } from '../../core/operator.ts'
import {
  Anchoring,
  type AnchoringParts,
  type AnchorStats,
} from '../../outbound/anchors/anchoring.ts'
import { type Repetition, repeat } from '../repeat.ts'
import type { AnchorChoice } from './anchors-choice.ts'

/** How often is looked whether an anchor is due. */
const ROUND_MS = 2000

/** It tells of its failures itself. */
const ignore = (): void => undefined

/** The anchors of a node's log, at all places. */
export interface NodeAnchors {
  /** From now on anchors are made. */
  start(): void
  stats(): readonly AnchorStats[]
  describe(): NonNullable<NodeStatus['anchors']>
  close(): Promise<void>
}

/** Puts the anchoring of a node's log together. */
export function composeAnchors(
  parts: Omit<AnchoringParts, 'target' | 'everyMs'>,
  { targets, everyMs }: AnchorChoice,
): NodeAnchors {
  const all = targets.map((target) => new Anchoring({ ...parts, target, everyMs }))
  const rounds: Repetition[] = []
  return {
    start() {
      for (const one of all) rounds.push(repeat(() => one.round(), ROUND_MS, ignore))
    },
    stats: () => all.map((one) => one.stats()),
    describe: () =>
      all.map((one) => {
        const { target, lastAt, failure } = one.stats()
        return {
          target,
          ...(lastAt !== undefined && { lastAt: new Date(lastAt).toISOString() }),
          ...(failure !== undefined && { failure }),
        }
      }),
    async close() {
      const closed = all.map((one) => one.close())
      await Promise.all([...closed, ...rounds.map((round) => round.stop())])
    },
  }
}
