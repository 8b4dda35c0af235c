import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { fakeOperator, runFake } from '../../../test/support/fake-terminal.ts'

const [A, B, C] = ['a', 'b', 'c'].map((digit) => `${digit.repeat(8)}-1111-4111-8111-111111111111`)

describe('the nodes of a store on the command line', () => {
  const asked: unknown[] = []
  const { openOperator } = fakeOperator({
    listNodes: async () => [
      { nodeId: A ?? '', state: 'this', waitingRecords: 0 },
      { nodeId: B ?? '', state: 'running', waitingRecords: 0 },
      { nodeId: C ?? '', state: 'stopped', waitingRecords: 3 },
    ],
    forgetNode: async (request) => {
      asked.push(request)
      return request
    },
  })
  const run = (...argv: readonly string[]) => runFake(['node', ...argv], { openOperator })

  test('are listed with their state, for people or in JSON', async () => {
    const text = await run('list')
    assert.equal(
      text.stdout,
      `${A}  this node\n${B}  running\n${C}  stopped  3 audit records in the store\n`,
    )
    const json = await run('list', '--json')
    const lines = json.stdout.trim().split('\n')
    assert.deepEqual(JSON.parse(lines[2] ?? ''), { nodeId: C, state: 'stopped', waitingRecords: 3 })
  })

  test('are forgotten by their whole id', async () => {
    const done = await run('forget', B ?? '')
    assert.equal(done.stdout, `The node ${B} is forgotten.\n`)
    assert.deepEqual(asked.splice(0), [{ nodeId: B }])
    for (const id of ['', 'bbbb', `${B}x`]) {
      assert.equal((await run('forget', id)).exitCode, 2, id)
    }
    assert.deepEqual(asked, [])
  })
})
