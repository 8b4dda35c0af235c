import assert from 'node:assert/strict'
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import * as fc from 'fast-check'
import {
  committed,
  custodyFixture,
  flipBit,
  refusal,
  secretOf,
  textOf,
} from '../../test/support/custody-fixture.ts'
import { IntegrityError } from '../core/errors.ts'
import type { RowIdentity } from '../core/record-guard.ts'
import type { CommitSetting } from './custody.ts'
import { createCustody, openCustody } from './custody.ts'

const { keyfile, newStore, parts, passphrase } = custodyFixture('custody')
const ROW: RowIdentity = { table: 'backing_key', key: ['eu-central-1', 'key', 'material'] }

describe('custody as the guard of rows', () => {
  test('a MAC holds for its row, version, body and secret alone', async () => {
    const { custody } = await newStore()
    const secret = Uint8Array.of(1, 2, 3)
    const mac = custody.mac(ROW, 7, '{"a":1}', secret)
    assert.equal(mac.length, 40)
    assert.ok(custody.checkMac(ROW, 7, '{"a":1}', secret, mac))
    const moved = { table: ROW.table, key: ['eu-central-1', 'key', 'other'] }
    const shifted = { table: ROW.table, key: ['eu-central-1', 'keym', 'aterial'] }
    const shorter = { table: ROW.table, key: ['eu-central-1', 'key'] }
    for (const other of [moved, shifted, shorter, { ...ROW, table: 'kms_key' }]) {
      assert.ok(!custody.checkMac(other, 7, '{"a":1}', secret, mac))
    }
    assert.ok(!custody.checkMac(ROW, 8, '{"a":1}', secret, mac))
    assert.ok(!custody.checkMac(ROW, 7, '{"a":2}', secret, mac))
    assert.ok(!custody.checkMac(ROW, 7, '{"a":1}', Uint8Array.of(1, 2), mac))
    assert.ok(!custody.checkMac(ROW, 7, '{"a":1}', null, mac))
  })

  test('no secret and an empty secret have different MACs', async () => {
    const { custody } = await newStore()
    const mac = custody.mac(ROW, 1, '{}', null)
    assert.ok(custody.checkMac(ROW, 1, '{}', null, mac))
    assert.ok(!custody.checkMac(ROW, 1, '{}', new Uint8Array(0), mac))
  })

  test('an altered, cut, extended or foreign MAC is refused', async () => {
    const { custody } = await newStore()
    const mac = custody.mac(ROW, 1, '{}', null)
    for (let bit = 0; bit < mac.length * 8; bit++) {
      assert.ok(!custody.checkMac(ROW, 1, '{}', null, flipBit(mac, bit)))
    }
    for (let size = 0; size < mac.length; size++) {
      assert.ok(!custody.checkMac(ROW, 1, '{}', null, mac.subarray(0, size)))
    }
    assert.ok(!custody.checkMac(ROW, 1, '{}', null, Uint8Array.of(...mac, 0)))
    const { custody: other } = await newStore()
    assert.ok(!other.checkMac(ROW, 1, '{}', null, mac))
  })

  test('a wrapped secret opens for its own row alone', async () => {
    const { custody } = await newStore()
    const wrapped = custody.wrap(ROW, secretOf('material'))
    assert.equal(textOf(custody.unwrap(ROW, wrapped)), 'material')
    fc.assert(
      fc.property(fc.string(), fc.array(fc.string(), { maxLength: 4 }), (table, key) => {
        assert.throws(() => custody.unwrap({ table, key }, wrapped), IntegrityError)
      }),
    )
    const shifted = { table: ROW.table, key: ['eu-central-1', 'keym', 'aterial'] }
    assert.throws(() => custody.unwrap(shifted, wrapped), IntegrityError)
  })

  test('an altered, cut, extended or foreign wrapped secret is refused', async () => {
    const { custody } = await newStore()
    const wrapped = custody.wrap(ROW, secretOf('material'))
    const refused = (bytes: Uint8Array): void =>
      assert.throws(() => custody.unwrap(ROW, bytes), IntegrityError)
    for (let bit = 0; bit < wrapped.length * 8; bit++) refused(flipBit(wrapped, bit))
    for (let size = 0; size < wrapped.length; size++) refused(wrapped.subarray(0, size))
    refused(Uint8Array.of(...wrapped, 0))
    const { custody: other } = await newStore()
    assert.throws(() => other.unwrap(ROW, wrapped), IntegrityError)
  })

  test('the same secret is never wrapped alike', async () => {
    const { custody } = await newStore()
    assert.notDeepEqual(
      custody.wrap(ROW, secretOf('material')),
      custody.wrap(ROW, secretOf('material')),
    )
  })
})

describe('rotation of the domain key', () => {
  test('new rows name the new key, old ones still open until the old key is dropped', async () => {
    const { path, custody } = await newStore()
    const first = custody.currentDomainKeyId
    const secret = custody.wrap(ROW, secretOf('material'))
    const mac = custody.mac(ROW, 1, '{}', secret)
    assert.ok(custody.isCurrent({ mac, secret }))
    const audit = custody.auditMacKey()

    assert.deepEqual(await custody.rotateDomainKey(committed), [first])
    assert.notEqual(custody.currentDomainKeyId, first)
    assert.deepEqual(custody.retiredDomainKeyIds, [first])
    assert.ok(custody.checkMac(ROW, 1, '{}', secret, mac))
    assert.ok(!custody.isCurrent({ mac, secret }))
    const rewrapped = custody.wrap(ROW, custody.unwrap(ROW, secret))
    const newMac = custody.mac(ROW, 2, '{}', rewrapped)
    assert.ok(custody.isCurrent({ mac: newMac, secret: rewrapped }))
    assert.ok(!custody.isCurrent({ mac: newMac, secret }))
    assert.ok(!custody.isCurrent({ mac, secret: null }))

    const again = await openCustody(custody.settingText, parts(keyfile(path)))
    assert.equal(again.currentDomainKeyId, custody.currentDomainKeyId)
    assert.ok(again.checkMac(ROW, 1, '{}', secret, mac))

    await again.dropRetired(committed, [first])
    assert.deepEqual(again.retiredDomainKeyIds, [])
    assert.ok(!again.checkMac(ROW, 1, '{}', secret, mac))
    assert.throws(() => again.unwrap(ROW, secret), IntegrityError)
    assert.equal(textOf(again.unwrap(ROW, rewrapped)), 'material')
    assert.equal(again.auditMacKey().id, audit.id)
    assert.ok(again.findAuditMacKey(audit.id)?.equals(audit.key))
    assert.equal(again.findAuditMacKey('0000000000000000'), undefined)
  })

  test('a commit that fails changes nothing in memory', async () => {
    const { custody } = await newStore()
    const before = custody.settingText
    const failure = new Error('disk full')
    const failing: CommitSetting = () => Promise.reject(failure)
    await assert.rejects(custody.rotateDomainKey(failing), failure)
    await assert.rejects(custody.dropRetired(failing, []), failure)
    await assert.rejects(custody.rotateRootKey({ commit: failing }), failure)
    assert.equal(custody.settingText, before)
    const replaced: string[] = []
    await custody.rotateDomainKey((_, previous) => {
      replaced.push(previous)
      return Promise.resolve()
    })
    assert.equal(replaced[0], before)
  })

  test('two rotations at once are refused', async () => {
    const { custody } = await newStore()
    const { promise, resolve } = Promise.withResolvers<void>()
    const first = custody.rotateDomainKey(() => promise)
    await assert.rejects(
      custody.rotateRootKey({ commit: committed }),
      /another rotation is under way/,
    )
    resolve()
    await first
    await custody.rotateRootKey({ commit: committed })
  })
})

describe('keys that another process has changed', () => {
  /** Two processes on one store: what one commits the other takes over only when it is told. */
  async function twoProcesses() {
    const { path, custody: one } = await newStore()
    const two = await openCustody(one.settingText, parts(keyfile(path)))
    const texts: string[] = []
    const commit: CommitSetting = (next) => {
      texts.push(next)
      return Promise.resolve()
    }
    return { path, one, two, texts, commit }
  }

  test('a new domain key opens everywhere before anything is wrapped under it', async () => {
    const { one, two, texts, commit } = await twoProcesses()
    const before = one.currentDomainKeyId
    await one.rotateDomainKey(commit)
    const [known = '', used = ''] = texts
    assert.equal(texts.length, 2)
    two.take(known)
    assert.equal(two.currentDomainKeyId, before)
    assert.equal(textOf(two.unwrap(ROW, one.wrap(ROW, secretOf('material')))), 'material')
    two.take(used)
    two.take(used)
    assert.equal(two.currentDomainKeyId, one.currentDomainKeyId)
    assert.equal(textOf(one.unwrap(ROW, two.wrap(ROW, secretOf('material')))), 'material')
  })

  test('what another process has retired meanwhile is not dropped', async () => {
    const { one, two, texts, commit } = await twoProcesses()
    const retired = await one.rotateDomainKey(commit)
    two.take(texts.at(-1) ?? '')
    const wrapped = two.wrap(ROW, secretOf('material'))
    const retiredByTwo = await two.rotateDomainKey(commit)
    one.take(texts.at(-1) ?? '')
    await one.dropRetired(commit, retired)
    assert.equal(textOf(one.unwrap(ROW, wrapped)), 'material')
    assert.equal(one.currentDomainKeyId, two.currentDomainKeyId)
    two.take(texts.at(-1) ?? '')
    await two.dropRetired(commit, retiredByTwo)
    assert.deepEqual(two.retiredDomainKeyIds, [])
    assert.throws(() => two.unwrap(ROW, wrapped), IntegrityError)
  })

  test('a rotation that failed and happened is taken over all the same', async () => {
    const { one, two } = await twoProcesses()
    let happened = ''
    const failing: CommitSetting = (next) => {
      happened = next
      return Promise.reject(new Error('the reply was lost'))
    }
    await assert.rejects(one.rotateDomainKey(failing), /reply was lost/)
    one.take(happened)
    assert.equal(one.settingText, happened)
    await assert.rejects(one.rotateRootKey({ commit: failing }), /reply was lost/)
    const root = one.rootKeyId
    one.take(happened)
    assert.notEqual(one.rootKeyId, root)
    assert.throws(() => two.take(happened), refusal(/root key of the store was rotated by another/))
    assert.equal(two.rootKeyId, root)
  })

  test('an altered text is not taken over', async () => {
    const { one, two, texts, commit } = await twoProcesses()
    await one.rotateDomainKey(commit)
    const text = texts.at(-1) ?? ''
    assert.throws(() => two.take(text.replace('retired', 'current')), refusal(/damaged/))
    const { custody: stranger } = await newStore()
    assert.throws(() => two.take(stranger.settingText), refusal(/root key/))
    two.take(text)
  })

  test('rows of an earlier moment open with the keys of that moment', async () => {
    const { one, commit } = await twoProcesses()
    const text = one.settingText
    const wrapped = one.wrap(ROW, secretOf('material'))
    await one.dropRetired(commit, await one.rotateDomainKey(commit))
    assert.throws(() => one.unwrap(ROW, wrapped), IntegrityError)
    assert.equal(textOf(one.asOf(text).unwrap(ROW, wrapped)), 'material')
    assert.equal(one.asOf(text).settingText, text)
  })
})

describe('rotation of the root key', () => {
  test('the old key file content no longer opens the store, the new one does', async () => {
    const { path, custody } = await newStore()
    const oldFile = readFileSync(path)
    const wrapped = custody.wrap(ROW, secretOf('material'))
    const oldRoot = custody.rootKeyId
    await custody.rotateRootKey({ commit: committed })
    assert.notEqual(custody.rootKeyId, oldRoot)
    assert.equal(statSync(path).mode & 0o777, 0o600)
    assert.ok(!readFileSync(path, 'latin1').includes(oldRoot))
    const again = await openCustody(custody.settingText, parts(keyfile(path)))
    assert.equal(textOf(again.unwrap(ROW, wrapped)), 'material')
    assert.ok(again.auditMacKey().key.equals(custody.auditMacKey().key))
    writeFileSync(path, oldFile)
    await assert.rejects(
      openCustody(custody.settingText, parts(keyfile(path))),
      refusal(/of another store/),
    )
  })

  test('a passphrase may stay or change with it', async () => {
    const custody = await createCustody(parts(passphrase('one')))
    const wrapped = custody.wrap(ROW, secretOf('material'))
    await custody.rotateRootKey({ commit: committed })
    const kept = await openCustody(custody.settingText, parts(passphrase('one')))
    assert.equal(textOf(kept.unwrap(ROW, wrapped)), 'material')
    await kept.rotateRootKey({ commit: committed, to: passphrase('two') })
    const changed = await openCustody(kept.settingText, parts(passphrase('two')))
    assert.equal(textOf(changed.unwrap(ROW, wrapped)), 'material')
    await assert.rejects(
      openCustody(kept.settingText, parts(passphrase('one'))),
      refusal(/passphrase is wrong/),
    )
  })

  test('a store moves from a key file to a passphrase', async () => {
    const { custody } = await newStore()
    const wrapped = custody.wrap(ROW, secretOf('material'))
    await custody.rotateRootKey({ commit: committed, to: passphrase('correct horse') })
    assert.deepEqual(custody.seal, { kind: 'passphrase', location: undefined })
    const again = await openCustody(custody.settingText, parts(passphrase('correct horse')))
    assert.equal(textOf(again.unwrap(ROW, wrapped)), 'material')
  })
})
