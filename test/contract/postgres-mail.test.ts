import assert from 'node:assert/strict'
import { after, beforeEach, describe, test } from 'node:test'
import type { NodeMail } from '../../src/storage/postgres/node-mail.ts'
import type { PostgresStore } from '../../src/storage/postgres/postgres-store.ts'
import { startPostgres } from '../support/postgres-server.ts'
import { openSchema } from '../support/postgres-stores.ts'

const server = await startPostgres()
const schema = await openSchema(server, 'mail')
after(async () => {
  await schema.close()
  await server.stop()
})
beforeEach(() => schema.empty())

const mailOf = ({ mail }: PostgresStore): NodeMail => mail ?? assert.fail('the store takes mail')
const bodyOf = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text))

describe('messages of nodes in PostgreSQL', () => {
  test('reach the node that they are for, once, and it is told of them', async () => {
    const [one, two] = [await schema.open('one'), await schema.open('two')]
    try {
      const told = new Promise<void>((resolve) => mailOf(two).onMail(resolve))
      mailOf(one).onMail(() => assert.fail('it is not for this node'))
      const body = Uint8Array.from({ length: 256 }, (_, at) => at)
      await mailOf(one).send({ recipient: 'two', id: 'a', body })
      await told
      assert.deepEqual(await mailOf(one).take(), [])
      const takers = await Promise.all([1, 2, 3].map(() => mailOf(two).take()))
      const [message, ...others] = takers.flat()
      assert.deepEqual(others, [])
      assert.deepEqual([message?.id, message?.sender, message?.body], ['a', 'one', body])
      assert.ok((message?.ageMs ?? -1) >= 0)
    } finally {
      await one.close()
      await two.close()
    }
  })

  test('that nobody takes are removed', async () => {
    const one = await schema.open('one')
    try {
      await mailOf(one).send({ recipient: 'gone', id: 'a', body: bodyOf('a') })
      await schema.client.query('UPDATE mail.node_message SET sent_at = sent_at - 61000')
      await mailOf(one).send({ recipient: 'gone', id: 'b', body: bodyOf('b') })
      const { rows } = await schema.client.query('SELECT id FROM mail.node_message')
      assert.deepEqual(rows, [{ id: 'b' }])
    } finally {
      await one.close()
    }
  })

  test('a node that has no audit log is forgotten when it leaves', async () => {
    const [one, two] = [await schema.open('one'), await schema.open('two')]
    try {
      mailOf(two).leaveForGood()
      assert.deepEqual(await mailOf(one).members(), [{ nodeId: 'two', isLive: true }])
      await two.close()
      assert.deepEqual(await mailOf(one).members(), [])
    } finally {
      await one.close()
    }
  })

  test('a node that has left is a member until it is forgotten, and not one that lives or owes frames', async () => {
    const one = await schema.open('one')
    const two = await schema.open('two')
    const frame = '{"kind":"test"}'
    await two.transaction((tx) => tx.addOutbox(frame))
    try {
      assert.deepEqual(await mailOf(one).members(), [{ nodeId: 'two', isLive: true }])
      assert.equal(await mailOf(one).forget('two'), false)
      await two.close()
      assert.deepEqual(await mailOf(one).members(), [{ nodeId: 'two', isLive: false }])
      assert.equal(await mailOf(one).forget('two'), false)
      await schema.client.query("DELETE FROM mail.outbox WHERE node_id = 'two'")
      assert.equal(await mailOf(one).forget('two'), true)
      assert.deepEqual(await mailOf(one).members(), [])
      const back = await schema.open('two')
      assert.deepEqual(await mailOf(one).members(), [{ nodeId: 'two', isLive: true }])
      await back.close()
    } finally {
      await one.close()
      await two.close()
    }
  })
})
