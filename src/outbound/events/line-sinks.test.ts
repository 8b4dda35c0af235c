import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { DependencyError } from '../../core/errors.ts'
import type { BridgeEvent } from './bridge-event.ts'
import { fileSink, streamSink } from './line-sinks.ts'

const NEVER = new AbortController().signal
const event = (text: string): BridgeEvent => ({
  id: text,
  detailType: 'x',
  orderKey: 'x',
  position: '0',
  text,
})

describe('a file of events', () => {
  const folder = mkdtempSync(join(tmpdir(), 'events-'))
  after(() => rmSync(folder, { recursive: true }))

  test('gets a line for each, for its owner alone', async () => {
    const path = join(folder, 'new')
    const sink = fileSink('file', path)
    await sink.deliver([event('{"a":1}'), event('{"a":2}')], NEVER)
    await sink.deliver([event('{"a":3}')], NEVER)
    await sink.close()
    assert.equal(readFileSync(path, 'utf8'), '{"a":1}\n{"a":2}\n{"a":3}\n')
    assert.equal(statSync(path).mode & 0o777, 0o600)
  })

  test('goes on behind a line that was cut off', async () => {
    const path = join(folder, 'torn')
    writeFileSync(path, '{"a":1}\n{"a":')
    const sink = fileSink('file', path)
    await sink.deliver([event('{"a":2}')], NEVER)
    await sink.close()
    assert.equal(readFileSync(path, 'utf8'), '{"a":1}\n{"a":\n{"a":2}\n')
  })

  test('that was moved away is begun anew', async () => {
    const path = join(folder, 'rotated')
    const sink = fileSink('file', path)
    await sink.deliver([event('1')], NEVER)
    renameSync(path, `${path}.1`)
    await sink.deliver([event('2')], NEVER)
    await sink.close()
    assert.deepEqual(
      [readFileSync(`${path}.1`, 'utf8'), readFileSync(path, 'utf8')],
      ['1\n', '2\n'],
    )
  })

  test('that cannot be written fails, and takes events once it can', async () => {
    const path = join(folder, 'later', 'file')
    const sink = fileSink('file', path)
    await assert.rejects(sink.deliver([event('1')], NEVER), (error) => {
      assert.ok(error instanceof DependencyError)
      assert.equal(error.message, 'the file cannot be written: ENOENT')
      return true
    })
    const other = fileSink('file', join(folder, 'file'))
    await other.deliver([event('1')], NEVER)
    await other.close()
    await sink.close()
  })
})

test('a stream that nobody reads any more has accepted nothing', async () => {
  const written: string[] = []
  const open = streamSink('stdout', async (text) => written.push(text) > 0)
  await open.deliver([event('1'), event('2')], NEVER)
  assert.deepEqual(written, ['1\n2\n'])
  const closed = streamSink('stdout', async () => false)
  await assert.rejects(closed.deliver([event('1')], NEVER), DependencyError)
})
