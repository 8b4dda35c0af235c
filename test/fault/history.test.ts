import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NOT_OURS } from '../support/postgres-server.ts'
import { Cluster, FAULTS } from './history-cluster.ts'
import { assertExplained, record, secondsOf, staleIn } from './history-record.ts'

/** How long faults happen. Minutes: `STRONGROOM_HISTORY_SECONDS=600 node --test test/fault/history.test.ts`. */
const SECONDS = secondsOf(15)
/** Without a lease a node is wrong at one of the first long faults; then it is over, after 10 seconds or 20. */
const SECONDS_WITHOUT_LEASE = 60

test('three nodes under faults use nothing that was revoked and lose nothing', async (t) => {
  const cluster = await Cluster.start({ nodes: 3, hasLease: true })
  if (cluster === undefined) return t.skip(NOT_OURS)
  try {
    const history = await record(t, cluster, { faults: FAULTS }, { seconds: SECONDS })
    await cluster.stopNodes()
    const records = await cluster.recordsByRequest(cluster.nodes.map(({ folder }) => folder))
    assertExplained(history, records)
  } finally {
    await cluster.close()
  }
})

test('without leases the same check finds answers that came from stale caches', async (t) => {
  const cluster = await Cluster.start({ nodes: 2, hasLease: false })
  if (cluster === undefined) return t.skip(NOT_OURS)
  try {
    const { pause, silence } = FAULTS
    const faults = { faults: { pause, silence }, areLonger: true }
    const history = await record(t, cluster, faults, {
      seconds: SECONDS_WITHOUT_LEASE,
      until: (so) => staleIn(so).length > 0,
    })
    const stale = staleIn(history)
    t.diagnostic(`${stale.length} violations: ${stale[0]?.what}`)
    assert.notEqual(stale.length, 0)
  } finally {
    await cluster.close()
  }
})
