import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  aFrame,
  appendInTurn,
  FaultyFiles,
  openTestLog,
} from '../../../test/fault/audit-fixture.ts'
import { withOutboxId } from '../event.ts'
import { findOutboxIds } from './outbox-search.ts'
import { segmentName } from './segment-format.ts'

const mutation = (id: number): string => withOutboxId(aFrame(id, 100), id)

async function logOf(frames: readonly string[], segmentBytes = 2048): Promise<FaultyFiles> {
  const files = new FaultyFiles()
  const { log } = await openTestLog(files, { segmentBytes })
  await appendInTurn(log, frames)
  await log.close()
  return files
}

const found = async (files: FaultyFiles, ids: readonly number[]): Promise<number[]> =>
  [...(await findOutboxIds(files, ids))].sort((a, b) => a - b)

describe('outbox entries in the log', () => {
  test('are found wherever they are, whatever their order, and no others', async () => {
    const ids = [3, 1, 2, 7, 5, 12, 9, 11, 4, 10]
    const files = await logOf(ids.flatMap((id) => [aFrame(1000 + id, 100), mutation(id)]))
    assert.ok(files.contents.size > 3)
    const all = Array.from({ length: 15 }, (_, n) => n)
    assert.deepEqual(
      await found(files, all),
      ids.toSorted((a, b) => a - b),
    )
    for (const id of all) assert.deepEqual(await found(files, [id]), ids.includes(id) ? [id] : [])
  })

  test('are none in an empty log, and none of none', async () => {
    const files = await logOf([])
    assert.deepEqual(await found(files, [1, 2]), [])
    assert.deepEqual(await found(files, []), [])
    assert.deepEqual(await found(new FaultyFiles(), [1]), [])
  })

  test('are looked for no further back than they can be', async () => {
    const files = await logOf([
      ...[1, 2, 3, 4].map(mutation),
      ...Array.from({ length: 20 }, (_, n) => aFrame(n, 200)),
      mutation(8),
    ])
    const opened: string[] = []
    const open = files.open.bind(files)
    files.open = (name) => {
      opened.push(name)
      return open(name)
    }
    assert.deepEqual(await found(files, [7, 8]), [8])
    assert.ok(opened.length < files.contents.size)
    assert.equal(opened.includes(segmentName(1)), false)
    assert.deepEqual(await found(files, [4]), [4])
  })

  test('in a damaged log are an error, not absent', async () => {
    const files = await logOf([mutation(1), mutation(2)])
    files.contents.get(segmentName(1))?.writeUInt8(1, 700)
    await assert.rejects(found(files, [1]), { name: 'IntegrityError' })
    const accepted = await findOutboxIds(files, [1, 2], { acceptDamage: true })
    assert.deepEqual([...accepted], [2])
  })

  test('behind damage that was accepted are those that can still be read', async () => {
    const files = await logOf([1, 2, 3].map(mutation), 8192)
    files.contents.get(segmentName(1))?.writeUInt8(1, 700)
    const { log } = await openTestLog(files, { segmentBytes: 2048, acceptDamage: true })
    await appendInTurn(log, [mutation(4)])
    await log.close()
    assert.deepEqual(await found(files, [1, 2, 3, 4, 5]), [2, 3, 4])
  })
})
