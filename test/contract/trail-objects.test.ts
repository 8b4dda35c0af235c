import assert from 'node:assert/strict'
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { diskTrailObjects } from '../../src/audit/trail/trail-objects-disk.ts'
import { memoryTrailObjects } from '../../src/audit/trail/trail-objects-memory.ts'
import { instant } from '../../src/core/ids.ts'
import { trailObjectsContract } from './trail-objects.ts'

const folder = await mkdtemp(join(tmpdir(), 'strongroom-trail-'))
after(() => rm(folder, { recursive: true }))
let folders = 0
const newFolder = (): string => join(folder, String(++folders))

trailObjectsContract('memory', async () => memoryTrailObjects())
trailObjectsContract('disk', async () => diskTrailObjects(newFolder()))

const ACCOUNT = '111122223333'
const anObject = (key: string, body: Buffer, metadata: Record<string, string> = {}) => ({
  key,
  body,
  metadata,
  modifiedAt: instant(1_790_000_000_000),
})

test('on disk everything is its owner’s alone, and the signature stands beside its digest', async () => {
  const path = newFolder()
  const objects = diskTrailObjects(path)
  await objects.put(ACCOUNT, anObject('AWSLogs/d/x.gz', Buffer.from('x'), { signature: 'ab' }))
  const bucket = join(path, 'strongroom-audit-111122223333')
  const modeOf = async (name: string) => (await stat(join(bucket, name))).mode & 0o777
  assert.equal(await modeOf('AWSLogs/d'), 0o700)
  assert.equal(await modeOf('AWSLogs/d/x.gz'), 0o600)
  assert.equal(await modeOf('AWSLogs/d/x.gz.sig'), 0o600)
  assert.equal(await readFile(join(bucket, 'AWSLogs/d/x.gz.sig'), 'utf8'), 'ab\n')
  assert.deepEqual((await readdir(join(bucket, 'AWSLogs/d'))).sort(), ['x.gz', 'x.gz.sig'])
  await objects.remove(ACCOUNT, 'AWSLogs/d/x.gz')
  assert.deepEqual(await readdir(path), [])
})

test('on disk a draft that a crash left is no object, and is written over', async () => {
  const path = newFolder()
  const objects = diskTrailObjects(path)
  await objects.put(ACCOUNT, anObject('AWSLogs/x.gz', Buffer.from('x')))
  await writeFile(join(path, 'strongroom-audit-111122223333/AWSLogs/.y.gz.new'), 'half')
  const listed = await objects.list(ACCOUNT, { prefix: '', limit: 10 })
  assert.deepEqual(
    listed.map(({ key }) => key),
    ['AWSLogs/x.gz'],
  )
  await objects.put(ACCOUNT, anObject('AWSLogs/y.gz', Buffer.from('y')))
  assert.equal((await objects.list(ACCOUNT, { prefix: '', limit: 10 })).length, 2)
})

test('on disk a list sees that a file was changed behind its back', async () => {
  const path = newFolder()
  const objects = diskTrailObjects(path)
  await objects.put(ACCOUNT, anObject('AWSLogs/x.gz', Buffer.from('x')))
  const etag = async () => (await objects.list(ACCOUNT, { prefix: '', limit: 1 }))[0]?.etag
  const before = await etag()
  assert.equal(await etag(), before)
  await writeFile(join(path, 'strongroom-audit-111122223333/AWSLogs/x.gz'), 'y')
  assert.notEqual(await etag(), before)
})

test('in memory the oldest objects go where there are too many', async () => {
  const objects = memoryTrailObjects(25)
  for (const key of ['AWSLogs/a', 'AWSLogs/b', 'AWSLogs/c']) {
    await objects.put(ACCOUNT, anObject(key, Buffer.alloc(10)))
  }
  const listed = await objects.list(ACCOUNT, { prefix: '', limit: 10 })
  assert.deepEqual(
    listed.map(({ key }) => key),
    ['AWSLogs/b', 'AWSLogs/c'],
  )
})
