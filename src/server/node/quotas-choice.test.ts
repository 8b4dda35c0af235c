import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { OperatorError } from '../../core/errors.ts'
import { RequestQuotas } from '../../services/kms/quotas/request-quotas.ts'
import { chooseQuotas } from './quotas-choice.ts'

const folder = mkdtempSync(join(tmpdir(), 'strongroom-quotas-'))
const file = join(folder, 'quotas.json')

const refusal = (text: string): OperatorError => {
  writeFileSync(file, text)
  try {
    chooseQuotas(file)
  } catch (error) {
    assert.ok(error instanceof OperatorError)
    return error
  }
  throw new assert.AssertionError({ message: `${text} was taken` })
}

describe('--quotas', () => {
  after(() => rmSync(folder, { recursive: true }))

  test('limits nothing unless it is asked to', () => {
    assert.equal(chooseQuotas(undefined), undefined)
    assert.equal(chooseQuotas('off'), undefined)
    assert.ok(chooseQuotas('aws') instanceof RequestQuotas)
  })

  test('takes a file of operations and groups', () => {
    writeFileSync(file, '{"Encrypt": 100, "Cryptographic operations (RSA)": 0.5}')
    assert.ok(chooseQuotas(file) instanceof RequestQuotas)
    writeFileSync(file, '{}')
    assert.ok(chooseQuotas(file) instanceof RequestQuotas)
  })

  test('says what is wrong with a file', () => {
    assert.match(refusal('{"Encrypt"').message, /is not well-formed/)
    assert.match(refusal('[1]').message, /is not well-formed/)
    assert.match(refusal('{"Encrypt": 1, "Encrypt": 2}').message, /is not well-formed/)
    assert.match(refusal('{"Enkrypt": 1}').message, /names 'Enkrypt', which is neither/)
    assert.match(refusal('{"constructor": 1}').message, /names 'constructor'/)
    for (const rate of ['0', '-1', '"5"', 'null', '1e300']) {
      assert.match(refusal(`{"Encrypt": ${rate}}`).message, /rate of 'Encrypt' .* is not right/)
    }
    assert.throws(() => chooseQuotas(join(folder, 'none.json')), /cannot be read/)
  })
})
