import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { createTestEnclave } from '../../../test/support/attestation-document.ts'
import { OperatorError } from '../../core/errors.ts'
import { AWS_NITRO_ROOT_G1 } from '../../crypto/attestation/attestation-roots.ts'
import { chooseAttestationRoots } from './attestation-choice.ts'

const folder = mkdtempSync(join(tmpdir(), 'strongroom-attestation-'))
const file = join(folder, 'roots.pem')

describe('--attestation-root', () => {
  after(() => rmSync(folder, { recursive: true }))

  test('leaves the choice to the node unless it is given', () => {
    assert.equal(chooseAttestationRoots(undefined), undefined)
  })

  test('takes several roots from one file, with words between them', async () => {
    const { rootPem } = await createTestEnclave(Date.now())
    writeFileSync(file, `ours\n${rootPem}\nAWS's\n${AWS_NITRO_ROOT_G1}`)
    const subjects = chooseAttestationRoots(file)?.map(({ x509 }) => x509.subject)
    assert.equal(subjects?.length, 2)
    assert.match(subjects[1] ?? '', /CN=aws\.nitro-enclaves/)
  })

  test('says what is wrong with a file, before anything is trusted', () => {
    for (const text of [
      '',
      'roots',
      AWS_NITRO_ROOT_G1.slice(0, 300),
      AWS_NITRO_ROOT_G1.repeat(17),
    ]) {
      writeFileSync(file, text)
      assert.throws(
        () => chooseAttestationRoots(file),
        (error) => error instanceof OperatorError && error.message.endsWith('is not right'),
      )
    }
    assert.throws(
      () => chooseAttestationRoots(join(folder, 'none.pem')),
      (error) => error instanceof OperatorError && error.message.endsWith('cannot be read'),
    )
    assert.throws(() => chooseAttestationRoots(folder), OperatorError)
  })
})
