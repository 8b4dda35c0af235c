import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { describe, test } from 'node:test'
import * as fc from 'fast-check'
import {
  custodyFixture,
  flipBit,
  refusal,
  secretOf,
  textOf,
} from '../../test/support/custody-fixture.ts'
import type { RowIdentity } from '../core/record-guard.ts'
import { createCustody, openCustody } from './custody.ts'

const { freshPath, keyfile, newStore, parts, passphrase } = custodyFixture('custody setting')
const ROW: RowIdentity = { table: 'backing_key', key: ['eu-central-1', 'key', 'material'] }

describe('custody at rest', () => {
  test('a store opens again with its key file and knows everything', async () => {
    const { path, custody } = await newStore()
    const wrapped = custody.wrap(ROW, secretOf('material'))
    const mac = custody.mac(ROW, 1, '{}', wrapped)
    const again = await openCustody(custody.settingText, parts(keyfile(path)))
    assert.ok(again.checkMac(ROW, 1, '{}', wrapped, mac))
    assert.equal(textOf(again.unwrap(ROW, wrapped)), 'material')
    assert.equal(again.rootKeyId, custody.rootKeyId)
    assert.equal(again.currentDomainKeyId, custody.currentDomainKeyId)
    assert.equal(again.auditMacKey().id, custody.auditMacKey().id)
    assert.ok(again.auditMacKey().key.equals(custody.auditMacKey().key))
    assert.deepEqual(again.seal, { kind: 'keyfile', location: path })
  })

  test('a store opens again with its passphrase alone', async () => {
    const custody = await createCustody(parts(passphrase('correct horse')))
    const wrapped = custody.wrap(ROW, secretOf('material'))
    const again = await openCustody(custody.settingText, parts(passphrase('correct horse')))
    assert.equal(textOf(again.unwrap(ROW, wrapped)), 'material')
    await assert.rejects(
      openCustody(custody.settingText, parts(passphrase('Correct horse'))),
      refusal(/passphrase is wrong/),
    )
    await assert.rejects(
      openCustody(custody.settingText, parts(passphrase(''))),
      refusal(/passphrase is empty/),
    )
    await assert.rejects(createCustody(parts(passphrase(''))), refusal(/passphrase is empty/))
  })

  test('a store that another seal holds says which', async () => {
    const sealed = await createCustody(parts(passphrase('correct horse')))
    await assert.rejects(
      openCustody(sealed.settingText, parts(keyfile(freshPath()))),
      refusal(/sealed with a passphrase, not a keyfile/),
    )
  })

  test('a flipped bit anywhere in the setting is refused', async () => {
    const { path, custody } = await newStore()
    const bytes = new TextEncoder().encode(custody.settingText)
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const altered = new TextDecoder().decode(flipBit(bytes, bit))
      await assert.rejects(openCustody(altered, parts(keyfile(path))), refusal(/custody setting/))
    }
  })

  test('a flipped bit in the setting of a passphrase is called damage, not a wrong passphrase', async () => {
    const custody = await createCustody(parts(passphrase('correct horse')))
    const bytes = new TextEncoder().encode(custody.settingText)
    await fc.assert(
      fc.asyncProperty(fc.nat(bytes.length * 8 - 1), async (bit) => {
        const altered = new TextDecoder().decode(flipBit(bytes, bit))
        await assert.rejects(
          openCustody(altered, parts(passphrase('correct horse'))),
          refusal(/custody setting/),
        )
      }),
    )
  })

  test('a setting that was cut or extended, and anything that is none, is refused', async () => {
    const { path, custody } = await newStore()
    const text = custody.settingText
    for (const other of [
      '',
      '{}',
      'null',
      text.slice(0, -1),
      text.slice(1),
      `${text} `,
      `${text}${text}`,
    ]) {
      await assert.rejects(openCustody(other, parts(keyfile(path))), refusal(/custody setting/))
    }
    await fc.assert(
      fc.asyncProperty(fc.string(), async (other) => {
        await assert.rejects(openCustody(other, parts(keyfile(path))), refusal(/custody setting/))
      }),
    )
  })
})

describe('a setting edited by someone who mends its checksum', () => {
  const mended = (text: string, from: string | RegExp, to: string): string => {
    const signed = text.slice(0, -79).replace(from, to)
    assert.notEqual(signed, text.slice(0, -79), 'the edit must apply')
    return `${signed},"checksum":"${hash('sha256', signed)}"}`
  }
  const edits: readonly (readonly [string, string | RegExp, string])[] = [
    ['a date', /"createdAt":"2/, '"createdAt":"3'],
    ['a wrapped key', /"wrapped":"A.../, '"wrapped":"AQaa'],
    ['no domain key', /"domainKeys":\[.*\]/, '"domainKeys":[]'],
    ['no current domain key', /current"(?=[^\]]*\],"mac)/, 'retired"'],
    ['lists of another type', /"domainKeys":\[.*\]/, '"domainKeys":{}'],
    ['a key without an id', /"domainKeys":\[\{"id":"/, '"domainKeys":[{"id":"x'],
    ['another kind of seal', '"keyfile"', '"shares"'],
    ['broken JSON', '"seal":{', '"seal":{{'],
    ['no seal', /"seal":\{[^}]*\}/, '"seal":null'],
    ['no MAC', /,"mac":".*/, ''],
  ]
  for (const [name, from, to] of edits) {
    test(`${name}: refused`, async () => {
      const { path, custody } = await newStore()
      const text = mended(custody.settingText, from, to)
      await assert.rejects(openCustody(text, parts(keyfile(path))), refusal(/custody setting/))
    })
  }

  test('domain and audit key cannot change places', async () => {
    const { path, custody } = await newStore()
    const text = mended(
      custody.settingText,
      /"auditKeys":(.*),"domainKeys":(.*),"mac"/,
      '"auditKeys":$2,"domainKeys":$1,"mac"',
    )
    await assert.rejects(openCustody(text, parts(keyfile(path))), refusal(/custody setting/))
  })

  test('costs beyond all bounds are not even computed', async () => {
    const custody = await createCustody(parts(passphrase('correct horse')))
    for (const cost of [
      '"memoryKiB":4000000',
      '"memoryKiB":7',
      '"memoryKiB":64.5',
      '"memoryKiB":"64"',
    ]) {
      const text = mended(custody.settingText, '"memoryKiB":64', cost)
      await assert.rejects(
        openCustody(text, parts(passphrase('correct horse'))),
        refusal(/custody setting/),
      )
    }
    const cheaper = mended(custody.settingText, '"memoryKiB":64', '"memoryKiB":32')
    await assert.rejects(
      openCustody(cheaper, parts(passphrase('correct horse'))),
      refusal(/passphrase is wrong/),
    )
  })

  test('a version of the future is named as such', async () => {
    const { path, custody } = await newStore()
    const text = mended(custody.settingText, '"version":1', '"version":2')
    await assert.rejects(openCustody(text, parts(keyfile(path))), refusal(/newer version/))
  })
})
