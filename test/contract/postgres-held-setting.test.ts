import assert from 'node:assert/strict'
import { after, afterEach, describe, test } from 'node:test'
import { DependencyError } from '../../src/core/errors.ts'
import type { PostgresStore } from '../../src/storage/postgres/postgres-store.ts'
import { parsePostgresUrl } from '../../src/storage/postgres/postgres-url.ts'
import { openCuttingProxy } from '../support/cutting-proxy.ts'
import { NOT_OURS, startPostgres } from '../support/postgres-server.ts'
import { openSchema } from '../support/postgres-stores.ts'
import { aKeyRow, insertKeys, KEY_TABLE, REGION } from './row-samples.ts'

const server = await startPostgres()
const { local } = server
const skip = local === undefined && NOT_OURS
const schema = await openSchema(server, 'held')
const proxy = await openCuttingProxy(local?.tcpPort ?? 0)
after(async () => {
  await proxy.close()
  await schema.close()
  await server.stop()
})

/** A process that holds a setting, and what it has been told. */
interface Holder {
  readonly store: PostgresStore
  /** What it holds now. */
  value: string | undefined
  /** What it cannot take over. */
  foreign: string | undefined
  readonly end: Promise<Error>
}

const opened: Holder[] = []
async function openHolder(nodeId: string, throughProxy = false): Promise<Holder> {
  const password = encodeURIComponent(local?.password ?? '')
  const url = `postgres://tester:${password}@127.0.0.1:${proxy.port}/postgres?schema=${schema.address.schema}`
  const ended = Promise.withResolvers<Error>()
  const holder: { -readonly [Member in keyof Holder]?: Holder[Member] } = { end: ended.promise }
  holder.store = await schema.open(nodeId, {
    held: {
      name: 'keys',
      take(value) {
        if (value !== undefined && value === holder.foreign) throw new Error('another root key')
        holder.value = value
      },
    },
    onEnd: ended.resolve,
    ...(throughProxy && { address: parsePostgresUrl(url) }),
  })
  // The store was the last member that was missing; the other two are undefined.
  const whole = holder as Holder
  opened.push(whole)
  return whole
}
afterEach(async () => {
  proxy.isStuck = false
  proxy.isUp = true
  for (const { store } of opened.splice(0)) await store.close()
  await schema.empty()
})

const announce = ({ store }: Holder, value: string): Promise<void> =>
  store.transaction((tx) => tx.announceSetting('keys', value))

describe('a setting that every process holds', { skip }, () => {
  test('is the new one everywhere when the change has returned', async () => {
    const [one, two] = [await openHolder('one'), await openHolder('two')]
    for (let round = 1; round <= 20; round++) {
      await announce(round % 2 === 0 ? one : two, `round ${round}`)
      // Whoever made the change learns of it with its next write.
      const other = round % 2 === 0 ? two : one
      assert.equal(other.value, `round ${round}`)
    }
    await one.store.transaction(() => Promise.resolve())
    assert.equal(one.value, 'round 20')
  })

  test('is the newest in every work that writes, on a node that was cut off, too', async () => {
    const one = await openHolder('one')
    const cutOff = await openHolder('cut off', true)
    await announce(one, 'before')
    await insertKeys(one.store, aKeyRow('a'))
    assert.equal(cutOff.value, 'before')
    proxy.isStuck = true
    const seen: (string | undefined)[] = []
    const late = cutOff.store.transaction(async (tx) => {
      seen.push(cutOff.value)
      await tx.update(KEY_TABLE, aKeyRow('a', { version: 2 }))
    })
    await announce(one, 'after')
    assert.equal(cutOff.store.lease?.isFresh(), false)
    assert.equal(cutOff.value, 'before')
    proxy.isStuck = false
    proxy.cut()
    await late
    assert.equal(seen.at(-1), 'after')
    assert.equal((await one.store.get(KEY_TABLE, [REGION, 'a']))?.version, 2)
  })

  test('that a process cannot take over ends it: it writes and serves nothing more', async () => {
    const [one, two] = [await openHolder('one'), await openHolder('two')]
    two.foreign = 'under another root'
    await announce(one, 'under another root')
    assert.match((await two.end).message, /another root key: it has to be started again/)
    assert.equal(two.store.lease?.isFresh(), false)
    await assert.rejects(insertKeys(two.store, aKeyRow('a')), DependencyError)
    assert.equal(await one.store.get(KEY_TABLE, [REGION, 'a']), undefined)
    await insertKeys(one.store, aKeyRow('a'))
  })
})
