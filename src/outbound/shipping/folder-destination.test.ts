import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { DependencyError } from '../../core/errors.ts'
import { instant } from '../../core/ids.ts'
import { folderDestination } from './folder-destination.ts'

const NEVER = new AbortController().signal
const DIGEST = {
  key: 'AWSLogs/111122223333/CloudTrail-Digest/x.json.gz',
  body: Buffer.from('a digest'),
  metadata: { signature: 'ab12' },
  modifiedAt: instant(1_700_000_000_000),
}

describe('a folder that the trail is shipped to', () => {
  const folder = mkdtempSync(join(tmpdir(), 'shipped-'))
  after(() => rmSync(folder, { recursive: true }))

  test('has the layout of the trail', async () => {
    await folderDestination('dir', folder).put('111122223333', DIGEST, NEVER)
    const path = join(folder, 'strongroom-audit-111122223333', DIGEST.key)
    assert.equal(readFileSync(path, 'utf8'), 'a digest')
    assert.equal(readFileSync(`${path}.sig`, 'utf8'), 'ab12\n')
  })

  test('is not made where it is not', async () => {
    const gone = folderDestination('dir', join(folder, 'unmounted'))
    await assert.rejects(gone.put('111122223333', DIGEST, NEVER), (error) => {
      assert.ok(error instanceof DependencyError)
      assert.equal(error.message, 'the folder cannot be written: ENOENT')
      return true
    })
  })
})
