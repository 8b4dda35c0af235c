import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { TrailObjects } from '../../src/audit/trail/trail-objects.ts'
import { instant } from '../../src/core/ids.ts'

const ACCOUNT = '111122223333'
const OTHER = '444455556666'
const TIME = instant(1_790_000_000_000)

const anObject = (key: string, text = key, metadata: Record<string, string> = {}) => ({
  key,
  body: Buffer.from(text),
  metadata,
  modifiedAt: TIME,
})

const SIGNED = { signature: 'ab12', 'signature-algorithm': 'SHA256withRSA' }

/** Every adapter runs this. A change to the `TrailObjects` port starts here. */
export function trailObjectsContract(name: string, open: () => Promise<TrailObjects>): void {
  describe(`TrailObjects: ${name}`, () => {
    test('what was put comes back, with its metadata', async () => {
      const objects = await open()
      await objects.put(ACCOUNT, anObject('AWSLogs/a.json.gz', 'text', SIGNED))
      const { body, ...rest } = (await objects.get(ACCOUNT, 'AWSLogs/a.json.gz')) ?? {}
      assert.deepEqual(body, Buffer.from('text'))
      assert.deepEqual(rest, {
        key: 'AWSLogs/a.json.gz',
        sizeBytes: 4,
        modifiedAt: TIME,
        etag: '1cb251ec0d568de6a929b520c4aed8d1',
        metadata: SIGNED,
      })
    })

    test('an object without metadata has none', async () => {
      const objects = await open()
      await objects.put(ACCOUNT, anObject('AWSLogs/a'))
      assert.deepEqual((await objects.get(ACCOUNT, 'AWSLogs/a'))?.metadata, {})
    })

    test('a second put replaces the first', async () => {
      const objects = await open()
      await objects.put(ACCOUNT, anObject('AWSLogs/a', 'first', SIGNED))
      await objects.put(ACCOUNT, anObject('AWSLogs/a', 'second', { ...SIGNED, signature: 'cd' }))
      const object = await objects.get(ACCOUNT, 'AWSLogs/a')
      assert.equal(object?.body.toString(), 'second')
      assert.equal(object?.metadata['signature'], 'cd')
      const listed = await objects.list(ACCOUNT, { prefix: '', limit: 10 })
      assert.deepEqual(
        listed.map(({ key, sizeBytes, etag }) => [key, sizeBytes, etag]),
        [['AWSLogs/a', 6, object?.etag]],
      )
    })

    test('a list is in the order of bytes, by prefix, behind a key, and limited', async () => {
      const objects = await open()
      // A hyphen sorts before a slash, and a slash before letters.
      const keys = [
        'AWSLogs/x/CloudTrail-Digest/b/1',
        'AWSLogs/x/CloudTrail/a/1',
        'AWSLogs/x/CloudTrail/a/2',
        'AWSLogs/x/CloudTrail/b/1',
        'AWSLogs/x/CloudTrailA',
      ]
      for (const key of keys.toReversed()) await objects.put(ACCOUNT, anObject(key, key, SIGNED))
      const list = async (prefix: string, limit = 1000, after?: string) =>
        (await objects.list(ACCOUNT, { prefix, limit, after })).map(({ key }) => key)
      assert.deepEqual(await list(''), keys)
      assert.deepEqual(await list('AWSLogs/x/CloudTrail/'), keys.slice(1, 4))
      assert.deepEqual(await list('AWSLogs/x/CloudTrail'), keys)
      assert.deepEqual(await list('AWSLogs/x/CloudTrail/a'), keys.slice(1, 3))
      assert.deepEqual(await list('AWSLogs/x/CloudTrail/a/1'), keys.slice(1, 2))
      assert.deepEqual(await list('nothing'), [])
      assert.deepEqual(await list('../'), [])
      assert.deepEqual(await list('', 2), keys.slice(0, 2))
      assert.deepEqual(await list('', 2, keys[1]), keys.slice(2, 4))
      assert.deepEqual(await list('', 9, 'AWSLogs/x/CloudTrail/a/'), keys.slice(1))
      assert.deepEqual(await list('', 9, 'AWSLogs/x/CloudTrail/azz'), keys.slice(3))
      assert.deepEqual(await list('', 9, 'Z'), [])
    })

    test('accounts do not see each other', async () => {
      const objects = await open()
      assert.deepEqual(await objects.accounts(), [])
      await objects.put(OTHER, anObject('AWSLogs/a', 'other'))
      await objects.put(ACCOUNT, anObject('AWSLogs/b', 'own'))
      assert.deepEqual(await objects.accounts(), [ACCOUNT, OTHER])
      assert.equal(await objects.get(ACCOUNT, 'AWSLogs/a'), undefined)
      const listed = await objects.list(ACCOUNT, { prefix: '', limit: 10 })
      assert.deepEqual(
        listed.map(({ key }) => key),
        ['AWSLogs/b'],
      )
      assert.deepEqual(await objects.list('777788889999', { prefix: '', limit: 10 }), [])
    })

    test('what was removed is gone, and can be removed again', async () => {
      const objects = await open()
      await objects.put(ACCOUNT, anObject('AWSLogs/x/a', 'a', SIGNED))
      await objects.put(ACCOUNT, anObject('AWSLogs/b'))
      await objects.remove(ACCOUNT, 'AWSLogs/x/a')
      await objects.remove(ACCOUNT, 'AWSLogs/x/a')
      await objects.remove(OTHER, 'AWSLogs/b')
      assert.equal(await objects.get(ACCOUNT, 'AWSLogs/x/a'), undefined)
      assert.equal((await objects.list(ACCOUNT, { prefix: '', limit: 10 })).length, 1)
      await objects.put(ACCOUNT, anObject('AWSLogs/x/a', 'again'))
      assert.deepEqual((await objects.get(ACCOUNT, 'AWSLogs/x/a'))?.metadata, {})
    })

    test('names that lead elsewhere find nothing', async () => {
      const objects = await open()
      await objects.put(ACCOUNT, anObject('AWSLogs/a', 'a', SIGNED))
      const names = [
        '',
        'AWSLogs',
        'AWSLogs/',
        'AWSLogs/a/',
        '/AWSLogs/a',
        'AWSLogs//a',
        './AWSLogs/a',
        'AWSLogs/../AWSLogs/a',
        '../strongroom-audit-111122223333/AWSLogs/a',
        'AWSLogs/a.sig',
        'AWSLogs/a\0',
      ]
      for (const key of names) {
        assert.equal(await objects.get(ACCOUNT, key), undefined, key)
        await objects.remove(ACCOUNT, key)
      }
      assert.equal(await objects.get('..', 'AWSLogs/a'), undefined)
      assert.deepEqual(await objects.list('..', { prefix: '', limit: 10 }), [])
      assert.equal((await objects.get(ACCOUNT, 'AWSLogs/a'))?.metadata['signature'], 'ab12')
      await assert.rejects(objects.put('..', anObject('AWSLogs/a')))
    })
  })
}
