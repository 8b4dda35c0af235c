/**
 * What clients saw of keys whose versions only grow: a change makes a version, a use shows the version
 * by which it was judged. Times are of one clock.
 */
export type HistoryEvent =
  | {
      readonly type: 'change'
      readonly node: string
      readonly key: string
      readonly version: number
      /** When the reply was there; absent for a change that failed, which may have happened all the same. */
      readonly end: number | undefined
    }
  | {
      readonly type: 'use'
      readonly node: string
      readonly key: string
      readonly version: number
      readonly start: number
    }

/** A use that arrived after a change had returned, and was judged by what was before it. */
export interface StaleUse {
  readonly node: string
  readonly key: string
  readonly used: number
  readonly returned: number
  readonly lateMs: number
}

/** Every use that the revocation guarantee forbids. */
export function staleUses(history: readonly HistoryEvent[]): readonly StaleUse[] {
  const returned = new Map<string, { readonly version: number; readonly end: number }[]>()
  for (const event of history) {
    if (event.type !== 'change' || event.end === undefined) continue
    const { key, version, end } = event
    const changes = returned.get(key) ?? []
    changes.push({ version, end })
    returned.set(key, changes)
  }
  const stale: StaleUse[] = []
  for (const event of history) {
    if (event.type !== 'use') continue
    const { node, key, version: used, start } = event
    const missed = returned.get(key)?.find(({ version, end }) => end < start && version > used)
    if (missed === undefined) continue
    stale.push({ node, key, used, returned: missed.version, lateMs: start - missed.end })
  }
  return stale
}
