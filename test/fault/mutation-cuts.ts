import assert from 'node:assert/strict'
import { join } from 'node:path'
import { before, test } from 'node:test'
import { readFrames } from '../../src/audit/segments/read-frames.ts'
import { verifyLog } from '../../src/audit/segments/verify-log.ts'
import { initFolder } from '../../src/server/init-folder.ts'
import { readCredentials } from '../support/server-process.ts'
import { startOptionsFor } from '../support/stopped-node.ts'
import { WireClient } from '../support/wire-client.ts'
import { type CrashingNode, type Cut, startCrashingNode } from './crashing-node.ts'
import { type Extent, MUTATIONS, type Mutation } from './mutation-cases.ts'

let made = 0
/** Makes ready for every change there is. */
export const prepareAll = (client: WireClient): Promise<Mutation[]> =>
  Promise.all(MUTATIONS.map((prepare) => prepare(client, `crash-${(made += 1)}`)))

/** How often each request is on the record as having succeeded, and as having failed; and what it was. */
export async function recordedIn(folder: string) {
  const done = new Map<string, number>()
  const failed = new Map<string, number>()
  const names = new Map<string, string>()
  for await (const { text } of readFrames(join(folder, 'audit'))) {
    const { records } = JSON.parse(text)
    // A call that changes two Regions has a record in either; the first is that of the Region that was called.
    const [record] = records
    if (record?.requestID === undefined) continue
    const counts = record.errorCode === undefined ? done : failed
    counts.set(record.requestID, (counts.get(record.requestID) ?? 0) + 1)
    names.set(record.requestID, record.eventName)
  }
  return { done, failed, names }
}

/** What each change came to, after a restart or without one. */
interface Outcome {
  readonly name: string
  readonly status: number
  readonly extent: Extent
  /** How often it is on the record as done. */
  readonly done: number
  readonly failed: number
}

const all = (outcomes: readonly Outcome[], expected: Omit<Outcome, 'name'>): void => {
  assert.deepEqual(
    outcomes,
    outcomes.map(({ name }) => ({ name, ...expected })),
  )
}

/**
 * Cuts every change off, at its commit and at its record, on a node with this folder and store.
 * @param store that of the folder when absent
 */
export function cutChangesOff(folder: string, store?: string): void {
  const start = (): Promise<CrashingNode> => startCrashingNode(folder, store)
  const clientOf = (node: CrashingNode): WireClient => {
    const { accessKeyId, secretAccessKey } = readCredentials(join(folder, 'root-credentials'))
    return new WireClient(node.endpoint, accessKeyId, 'us-east-1', secretAccessKey)
  }

  /** Sends every change at once into the cut, and looks at what there is of each when the fault is over. */
  async function cutOff(cut: Cut): Promise<readonly Outcome[]> {
    let mutations: Mutation[] = []
    let answers: Awaited<ReturnType<Mutation['call']>>[] = []
    const extents: Extent[] = []
    const look = async (client: WireClient): Promise<void> => {
      for (const mutation of mutations) extents.push(await mutation.extent(client))
    }
    {
      await using node = await start()
      const client = clientOf(node)
      mutations = await prepareAll(client)
      node.cutOff(cut)
      answers = await Promise.all(mutations.map((mutation) => mutation.call(client)))
      assert.ok(node.faults.met >= mutations.length, 'every change meets the fault')
      assert.ok(node.failures.length >= mutations.length, 'the operator reads of each failure')
      if (!cut.kills) {
        node.mend()
        await look(client)
      }
      client.close()
    }
    if (cut.kills) {
      await using node = await start()
      const client = clientOf(node)
      await look(client)
      client.close()
    }
    assert.deepEqual((await verifyLog(join(folder, 'audit'))).problems, [])
    const { done, failed } = await recordedIn(folder)
    return mutations.map(({ name }, at) => {
      const { requestId = '', status = 0 } = answers[at] ?? {}
      const count = (counts: Map<string, number>): number => counts.get(requestId) ?? 0
      const extent = extents[at] ?? 'half'
      return { name, status, extent, done: count(done), failed: count(failed) }
    })
  }

  before(() => initFolder({ ...startOptionsFor(folder), store }))

  test('is one transaction, is there when it was answered, and recorded once', async () => {
    await using node = await start()
    const client = clientOf(node)
    const answered: string[] = []
    for (const mutation of await prepareAll(client)) {
      assert.equal(await mutation.extent(client), 'none', mutation.name)
      const { transactions, appends } = node.faults
      const answer = await mutation.call(client)
      assert.equal(answer.status, 200, `${mutation.name} ${answer.text}`)
      const steps = [node.faults.transactions - transactions, node.faults.appends - appends]
      assert.deepEqual(steps, [1, mutation.frames], mutation.name)
      assert.equal(await mutation.extent(client), 'all', mutation.name)
      answered.push(answer.requestId)
    }
    client.close()
    const { done } = await recordedIn(folder)
    assert.deepEqual(
      answered.filter((id) => done.get(id) !== 1),
      [],
    )
  })

  test('whose commit fails, in a process that dies of it, is not there and not recorded', async () => {
    const outcomes = await cutOff({ at: 'store', persisted: false, kills: true })
    all(outcomes, { status: 500, extent: 'none', done: 0, failed: 0 })
  })

  test('whose commit nobody was told of is there whole after a restart, and recorded once', async () => {
    const outcomes = await cutOff({ at: 'store', persisted: true, kills: true })
    all(outcomes, { status: 500, extent: 'all', done: 1, failed: 0 })
  })

  test('whose record was not written is there whole after a restart, and recorded once', async () => {
    const outcomes = await cutOff({ at: 'log', persisted: false, kills: true })
    all(outcomes, { status: 500, extent: 'all', done: 1, failed: 0 })
  })

  test('whose record was written and nobody was told of it is recorded once all the same', async () => {
    const outcomes = await cutOff({ at: 'log', persisted: true, kills: true })
    all(outcomes, { status: 500, extent: 'all', done: 1, failed: 0 })
  })

  test('whose commit fails, in a process that goes on, is not there and recorded as failed', async () => {
    const outcomes = await cutOff({ at: 'store', persisted: false, kills: false })
    all(outcomes, { status: 500, extent: 'none', done: 0, failed: 1 })
  })

  test('whose record cannot be written, in a process that goes on, is there and recorded once', async () => {
    const outcomes = await cutOff({ at: 'log', persisted: false, kills: false })
    all(outcomes, { status: 500, extent: 'all', done: 1, failed: 0 })
  })
}
