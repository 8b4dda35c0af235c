import assert from 'node:assert/strict'
import { createSecretKey, randomBytes, randomUUID } from 'node:crypto'
import { describe, test } from 'node:test'
import { Secret } from '../../core/secret.ts'
import { createOneTimeCipher } from '../../crypto/one-time-cipher.ts'
import type { Member, NodeMail, NodeMessage } from '../../storage/postgres/node-mail.ts'
import { PeerQuestions } from './peer-questions.ts'
import type { PeerQuestion } from './peers.ts'

const random = {
  bytes: (size: number) => randomBytes(size),
  secret: (size: number) => new Secret(randomBytes(size)),
  uuid: () => randomUUID(),
}
const cipherOf = (key: Buffer) =>
  createOneTimeCipher(createSecretKey(key), { label: 'test', prefix: Uint8Array.of(1) })
const KEY = randomBytes(32)
const QUESTION: PeerQuestion = { what: 'request', requestId: 'r' }

/** What a database holds of messages, and who is told of them. */
class PostOffice {
  readonly boxes = new Map<string, NodeMessage[]>()
  readonly listeners = new Map<string, () => void>()
  readonly members: Member[] = []
  /** What happens to each message on its way. */
  onWay = (message: NodeMessage): NodeMessage => message

  boxOf(nodeId: string): NodeMail {
    return {
      members: async () => this.members.filter((member) => member.nodeId !== nodeId),
      forget: async () => false,
      leaveForGood: () => assert.fail('it stays'),
      send: async ({ recipient, id, body }) => {
        const message = this.onWay({ id, sender: nodeId, body, ageMs: 0 })
        this.boxes.set(recipient, [...(this.boxes.get(recipient) ?? []), message])
        this.listeners.get(recipient)?.()
      },
      take: async () => {
        const taken = this.boxes.get(nodeId) ?? []
        this.boxes.delete(nodeId)
        return taken
      },
      onMail: (listener) => void this.listeners.set(nodeId, listener),
    }
  }
}

describe('questions to other nodes', () => {
  const lines: string[] = []
  const note = (_fields: object, message: string): void => void lines.push(message)
  const log = { info: note, warn: note, error: note }

  function nodes(t: { after(work: () => Promise<void>): void }, answerMs = 5000) {
    const office = new PostOffice()
    const open = (
      nodeId: string,
      answer: (question: PeerQuestion) => Promise<unknown>,
      key = KEY,
    ): PeerQuestions => {
      office.members.push({ nodeId, isLive: true })
      const mail = office.boxOf(nodeId)
      const parts = { nodeId, mail, cipher: cipherOf(key), random, log, answer, answerMs }
      const peers = new PeerQuestions(parts)
      t.after(() => peers.close())
      return peers
    }
    return { office, open }
  }

  test('are answered by each, whatever the answer', async (t) => {
    const { office, open } = nodes(t)
    const one = open('one', async () => 'its own')
    open('two', async (question) => [question, 'x'.repeat(100_000)])
    open('three', async () => null)
    const asked: PeerQuestion = { what: 'counts', query: { by: ['day'], limit: 3 } }
    const found = await one.ask(asked, ['two', 'three'])
    assert.deepEqual(found.get('two'), [asked, 'x'.repeat(100_000)])
    assert.equal(found.get('three'), null)
    assert.equal((await one.ask(asked, [])).size, 0)
    assert.ok([...office.boxes.values()].every((box) => box.length === 0))
  })

  test('fail with the name of the node that does not answer, does not run or is unknown', async (t) => {
    const { office, open } = nodes(t, 60)
    const one = open('one', async () => undefined)
    open('two', async () => 'found')
    open('three', () => new Promise(() => {}))
    office.members.push({ nodeId: 'stopped', isLive: false })
    const cases = [
      ['three', /^the node three did not answer within 0\.06 seconds: what is in its audit log/],
      ['stopped', /^the node stopped does not run/],
      ['nobody', /^the node nobody is not known any more/],
    ] as const
    for (const [name, message] of cases) {
      await assert.rejects(one.ask(QUESTION, ['two', name]), { name: 'DependencyError', message })
    }
  })

  test('tell why a node could not answer', async (t) => {
    const { open } = nodes(t)
    const one = open('one', async () => undefined)
    open('two', () => Promise.reject(new Error('the index is broken')))
    await assert.rejects(one.ask(QUESTION, ['two']), /two could not tell: the index is broken/)
    const newer = { what: 'something new' } as unknown as PeerQuestion
    await assert.rejects(one.ask(newer, ['two']), /two could not tell: it is of another version/)
  })

  test('are neither read nor answered by who has another key, and not altered on the way', async (t) => {
    const { office, open } = nodes(t, 100)
    let answered = 0
    const one = open('one', async () => undefined)
    open('two', async () => (answered += 1))
    open('stranger', async () => (answered += 1), randomBytes(32))
    await assert.rejects(one.ask(QUESTION, ['stranger']), /stranger did not answer/)
    assert.equal(answered, 0)
    assert.deepEqual(lines.splice(0), [
      'a message in the database is not from a node of this store',
    ])
    // A question in another name, and an answer to another question.
    office.onWay = (message) => ({ ...message, sender: 'stranger' })
    await assert.rejects(one.ask(QUESTION, ['two']), /two did not answer/)
    assert.equal(answered, 0)
    let kept: Uint8Array | undefined
    office.onWay = (message) => {
      if (!message.id.startsWith('answer/')) return message
      kept ??= message.body
      return { ...message, body: kept }
    }
    assert.equal((await one.ask(QUESTION, ['two'])).get('two'), 1)
    await assert.rejects(one.ask(QUESTION, ['two']), /two gave an answer that is none/)
  })

  test('that are old are not answered, and those that wait end with the node', async (t) => {
    const { office, open } = nodes(t)
    let answered = 0
    const one = open('one', async () => undefined)
    open('two', async () => (answered += 1))
    office.onWay = (message) => ({ ...message, ageMs: 30_000 })
    const waiting = one.ask(QUESTION, ['two'])
    const refused = assert.rejects(waiting, /two was still being asked when this node was stopped/)
    await new Promise((resolve) => setImmediate(resolve))
    while (office.boxes.has('two')) await new Promise((resolve) => setImmediate(resolve))
    await one.close()
    await refused
    assert.equal(answered, 0)
  })
})
