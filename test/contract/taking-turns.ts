import type { RowStore } from '../../src/core/store.ts'

/** One store of several that hold the same: each call goes to another one, in turn. */
export function takingTurns(stores: readonly RowStore[]): RowStore {
  let calls = 0
  const next = (): RowStore => {
    const store = stores[calls++ % stores.length]
    if (store === undefined) throw new Error('there is no store')
    return store
  }
  const all = (tell: (store: RowStore) => void): void => stores.forEach(tell)
  return {
    get: (table, key) => next().get(table, key),
    page: (table, query) => next().page(table, query),
    count: (table, query) => next().count(table, query),
    setting: (name) => next().setting(name),
    transaction: (work) => next().transaction(work),
    snapshot: (work) => next().snapshot(work),
    load: (table, rows) => next().load(table, rows),
    loadOutbox: (entries) => next().loadOutbox(entries),
    epoch: () => next().epoch(),
    changesSince: (epoch, limit) => next().changesSince(epoch, limit),
    trimChanges: (epoch) => next().trimChanges(epoch),
    outbox: (afterId, limit) => next().outbox(afterId, limit),
    raiseOutbox: (atLeast) => next().raiseOutbox(atLeast),
    onCommit: (listener) => all((store) => store.onCommit(listener)),
    outboxDelivered: (ids) => all((store) => store.outboxDelivered(ids)),
    async close() {
      await Promise.all(stores.map((store) => store.close()))
    },
  }
}
