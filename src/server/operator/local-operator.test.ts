import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { temporaryFolder } from '../../../test/support/server-process.ts'
import {
  type StoppedNode,
  startOptionsFor,
  withStoppedNode,
} from '../../../test/support/stopped-node.ts'
import { FrameWriter } from '../../audit/event.ts'
import { readFrames } from '../../audit/segments/read-frames.ts'
import { AuditTrail, type FrameSink } from '../../pipeline/audit-trail.ts'
import { machineClock } from '../clocks.ts'
import { initFolder } from '../init-folder.ts'
import { LocalOperator } from './local-operator.ts'

const ACCOUNT = '444455556666'

/** The commands of operators that a log has, oldest first. */
async function commandsIn(folder: string): Promise<string[]> {
  const found: string[] = []
  for await (const { text } of readFrames(folder)) {
    const { kind, internal } = JSON.parse(text)
    if (kind === 'operator') found.push(`${internal.action} ${internal.accountId ?? ''}`.trim())
  }
  return found
}

/** An operator whose log can be made to fail. */
function operatorOn({ state, audit, parts }: StoppedNode) {
  const disk = { isFull: false }
  const sink: FrameSink = {
    append: (frame, done) =>
      disk.isFull ? done(new Error('no room')) : audit.log.append(frame, done),
  }
  const trail = new AuditTrail(sink, state.rows)
  const operator = new LocalOperator({
    ...parts,
    state,
    openTrail: async () => trail,
    openSearch: () => Promise.reject(new Error('not asked for')),
    frames: new FrameWriter(),
    describe: () => Promise.reject(new Error('not asked for')),
  })
  return { disk, operator }
}

describe('a command of an operator that could not be recorded', () => {
  test('fails, and is on the record before the next one', async () => {
    const folder = temporaryFolder()
    await initFolder(startOptionsFor(folder))
    await withStoppedNode(folder, machineClock, async (node) => {
      const { disk, operator } = operatorOn(node)
      disk.isFull = true
      await assert.rejects(operator.createAccount({ accountId: ACCOUNT }), /no room/)
      assert.equal((await operator.listAccounts()).length, 2)
      disk.isFull = false
      await operator.setDeletionGuard({ accountId: ACCOUNT, days: 7 })
      const commands = await commandsIn(node.state.folder.auditFolder)
      assert.deepEqual(commands.slice(-2), [
        `account create ${ACCOUNT}`,
        `account set-deletion-guard ${ACCOUNT}`,
      ])
    })
  })

  test('is on the record after the next start, once', async () => {
    const folder = temporaryFolder()
    await initFolder(startOptionsFor(folder))
    await withStoppedNode(folder, machineClock, async (node) => {
      const { disk, operator } = operatorOn(node)
      disk.isFull = true
      await assert.rejects(operator.createAccount({ accountId: ACCOUNT }), /no room/)
    })
    for (const start of [1, 2]) {
      await withStoppedNode(folder, machineClock, async ({ state, audit }) => {
        await audit.recoverOutbox()
        const commands = await commandsIn(state.folder.auditFolder)
        const made = commands.filter((command) => command === `account create ${ACCOUNT}`)
        assert.equal(made.length, 1, `start ${start}`)
      })
    }
  })
})
