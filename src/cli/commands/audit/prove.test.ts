import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { after, describe } from 'node:test'
import { runFake as run } from '../../../../test/support/fake-terminal.ts'
import type { Program } from '../../program.ts'

const folder = mkdtempSync(join(tmpdir(), 'strongroom-prove-'))
after(() => rmSync(folder, { recursive: true }))

describe('audit prove', () => {
  const auditProve: Program['auditProve'] = async ({ eventId, copy, dataFolder }) =>
    JSON.stringify([eventId, copy, dataFolder])

  test('prints the proof of an event of a node, or of a copy', async () => {
    const own = await run(['audit', 'prove', 'e-1', '--data', 'd'], { auditProve })
    assert.deepEqual(own, { exitCode: 0, stdout: '["e-1",null,"d"]\n', stderr: '' })
    const copy = await run(['audit', 'prove', 'e-1', '--dir', 'c'], { auditProve })
    assert.equal(copy.stdout, '["e-1","c","./strongroom-data"]\n')
  })

  test('writes it to a file where one is named', async () => {
    const file = join(folder, 'proof.json')
    const outcome = await run(['audit', 'prove', 'e-1', '--out', file], { auditProve })
    assert.deepEqual(outcome, { exitCode: 0, stdout: '', stderr: `The proof is in ${file}.\n` })
    assert.equal(readFileSync(file, 'utf8'), '["e-1",null,"./strongroom-data"]\n')
  })

  test('fails where the file cannot be written, and without an event', async () => {
    const file = join(folder, 'none', 'proof.json')
    const outcome = await run(['audit', 'prove', 'e-1', '--out', file], { auditProve })
    assert.deepEqual([outcome.exitCode, outcome.stdout], [1, ''])
    assert.equal((await run(['audit', 'prove'], { auditProve })).exitCode, 2)
  })
})
