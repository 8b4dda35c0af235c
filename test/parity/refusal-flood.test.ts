import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type MemoryNode, startMemoryNode } from '../support/memory-node.ts'
import { succeeded, WireClient } from '../support/wire-client.ts'
import { wireRequest } from '../support/wire-request.ts'

let node: MemoryNode

before(async () => {
  node = await startMemoryNode()
})

after(() => node.close())

test('a flood of unsigned requests leaves a hundred frames and one that counts the rest', async () => {
  const target = 'TrentService.ListKeys'
  const unsigned = () => wireRequest({ target: '/', body: '{}', headers: ['x-amz-target', target] })
  const replies = await Promise.all(
    Array.from({ length: 250 }, async () => node.handler(unsigned())),
  )
  assert.deepEqual(new Set(replies.map(({ status }) => status)), new Set([400]))
  assert.deepEqual(new Set(replies.map(({ body }) => String(body))).size, 1)
  const client = new WireClient(node.endpoint, '111122223333', 'us-east-1')
  for (let i = 0; i < 3; i++) succeeded(await client.kms('ListKeys', {}))
  client.close()
  await node.runTimedWork()
  const kinds = Map.groupBy(node.sink.frames, ({ kind }) => kind)
  assert.deepEqual([kinds.get('refusal')?.length, kinds.get('call')?.length], [100, 3])
  const [summary, ...others] = kinds.get('refusals') ?? []
  assert.equal(others.length, 0)
  assert.equal(summary?.internal['count'], 150)
  assert.deepEqual(Object.values(summary?.internal['byCode'] ?? {}), [150])
})
