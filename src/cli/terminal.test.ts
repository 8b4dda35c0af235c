import assert from 'node:assert/strict'
import { Writable } from 'node:stream'
import test from 'node:test'
import { streamOutput } from './terminal.ts'

test('writing says whether the text was handed over', async () => {
  const chunks: string[] = []
  const output = streamOutput(
    new Writable({
      write(chunk, _encoding, done) {
        chunks.push(String(chunk))
        done()
      },
    }),
  )
  assert.equal(await output.write('one\n'), true)
  assert.deepEqual(chunks, ['one\n'])
})

test('a reader that has left makes every write answer false and breaks nothing', async () => {
  const output = streamOutput(
    new Writable({ write: (_chunk, _encoding, done) => done(new Error('EPIPE')) }),
  )
  assert.equal(await output.write('one\n'), false)
  assert.equal(await output.write('two\n'), false)
})
