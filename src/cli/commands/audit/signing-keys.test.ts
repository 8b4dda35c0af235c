import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { after, describe } from 'node:test'
import { fakeOperator, runFake as run } from '../../../../test/support/fake-terminal.ts'

const KEY = {
  fingerprint: '0123456789abcdef0123456789abcdef',
  validFrom: '2026-03-01T10:00:00.000Z',
  validTo: '2027-04-05T10:00:00.000Z',
  pem: '-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----\n',
}
const TEXT = `Fingerprint: ${KEY.fingerprint}
Valid from:  2026-03-01T10:00:00.000Z
Valid to:    2027-04-05T10:00:00.000Z
${KEY.pem}`

const folder = mkdtempSync(join(tmpdir(), 'strongroom-keys-'))
after(() => rmSync(folder, { recursive: true }))

describe('audit public-key', () => {
  const { openOperator } = fakeOperator({ auditPublicKeys: async () => [KEY, KEY] })

  test('prints every key as PEM, or JSON', async () => {
    const text = await run(['audit', 'public-key'], { openOperator })
    assert.deepEqual([text.exitCode, text.stdout], [0, `${TEXT}\n${TEXT}`])
    const json = await run(['audit', 'public-key', '--json'], { openOperator })
    assert.deepEqual(JSON.parse(json.stdout), [KEY, KEY])
  })

  test('writes them to a file, or says why not', async () => {
    const file = join(folder, 'audit.pem')
    const done = await run(['audit', 'public-key', '--out', file], { openOperator })
    assert.equal(done.stdout, `2 public keys written to ${file}.\n`)
    assert.equal(readFileSync(file, 'utf8'), `${TEXT}\n${TEXT}`)
    const none = await run(['audit', 'public-key', '--out', folder], { openOperator })
    assert.equal(none.exitCode, 1)
    assert.match(none.stderr, /not written to the file: EISDIR/)
  })
})

test('audit rotate-signing-key names the new key, and what to do', async () => {
  const { openOperator } = fakeOperator({ rotateAuditSigningKey: async () => KEY })
  const { stdout } = await run(['audit', 'rotate-signing-key'], { openOperator })
  assert.match(stdout, /^Digests are now signed with the key 0123456789abcdef0123456789abcdef\.\n/)
  assert.match(stdout, /audit public-key\n$/)
})
