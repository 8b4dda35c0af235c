import assert from 'node:assert/strict'
import {
  chmodSync,
  lstatSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { committed, custodyFixture, refusal } from '../../test/support/custody-fixture.ts'
import { seededRandom } from '../../test/support/seeded-random.ts'
import { OperatorError } from '../core/errors.ts'
import type { Custody } from './custody.ts'
import { createCustody, openCustody } from './custody.ts'
import type { KeyFileDisk } from './key-file-disk.ts'
import { localDisk } from './key-file-disk.ts'
import { keyfileSeal } from './seal-keyfile.ts'

const { folder, freshPath, keyfile, newStore, parts, warnings } = custodyFixture('key file')

describe('the key file', () => {
  test('it is made with mode 0600 and tells what it is', async () => {
    const { path } = await newStore()
    assert.equal(statSync(path).mode & 0o777, 0o600)
    assert.match(readFileSync(path, 'latin1'), /^Strongroom root key file, version 1\./)
  })

  test('a missing, empty, foreign or unreadable one is told apart', async () => {
    const { path, custody } = await newStore()
    const open = (at: string): Promise<Custody> =>
      openCustody(custody.settingText, parts(keyfile(at)))
    await assert.rejects(
      open(freshPath()),
      refusal(/is missing; the store is sealed with root key/),
    )
    const empty = freshPath()
    writeFileSync(empty, '', { mode: 0o600 })
    await assert.rejects(open(empty), refusal(/is empty/))
    const text = freshPath()
    writeFileSync(text, 'hello\n', { mode: 0o600 })
    await assert.rejects(open(text), refusal(/is not a Strongroom key file/))
    await assert.rejects(open(folder), refusal(/cannot read the key file/))
    const other = await newStore()
    await assert.rejects(open(other.path), (error: unknown) => {
      assert.ok(error instanceof OperatorError)
      assert.match(error.message, /of another store/)
      assert.ok(error.message.includes(other.custody.rootKeyId))
      assert.ok(error.message.includes(custody.rootKeyId))
      return true
    })
    assert.ok(await open(path))
  })

  test('one that others may read still opens, with a warning', async () => {
    const { path, custody } = await newStore()
    chmodSync(path, 0o640)
    warnings.length = 0
    await openCustody(custody.settingText, parts(keyfile(path)))
    assert.equal(warnings.length, 1)
    assert.match(warnings[0] ?? '', /mode 0640.*chmod 600/)
  })

  test('one that root lends to a group for reading opens without a warning', async () => {
    const { path, custody } = await newStore()
    const readAs = async (mode: number, isLent: boolean): Promise<number> => {
      warnings.length = 0
      const disk: KeyFileDisk = {
        ...localDisk,
        read: async (from) => {
          const file = await localDisk.read(from)
          return file && { ...file, mode, isLent }
        },
      }
      const seal = keyfileSeal({
        path,
        disk,
        random: seededRandom('lent'),
        onWarning: (text) => warnings.push(text),
      })
      await openCustody(custody.settingText, parts(seal))
      return warnings.length
    }
    assert.equal(await readAs(0o440, true), 0)
    assert.equal(await readAs(0o440, false), 1)
    for (const mode of [0o444, 0o460, 0o450, 0o641]) assert.equal(await readAs(mode, true), 1)
    assert.equal((await localDisk.read(path))?.isLent, false)
  })

  test('the key file of a store is never taken for an empty one, nor replaced', async () => {
    const { path } = await newStore()
    const before = readFileSync(path)
    await assert.rejects(createCustody(parts(keyfile(path))), refusal(/belongs to another store/))
    assert.deepEqual(readFileSync(path), before)
    const text = freshPath()
    writeFileSync(text, 'hello\n')
    await assert.rejects(createCustody(parts(keyfile(text))), refusal(/not a Strongroom key file/))
    assert.equal(readFileSync(text, 'utf8'), 'hello\n')
  })

  test('a folder that is not there is named in the error', async () => {
    await assert.rejects(
      createCustody(parts(keyfile(join(folder, 'none', 'root.key')))),
      (error: unknown) => error instanceof OperatorError && error.hint === 'its folder must exist',
    )
  })

  test('a symbolic link stays one: the file it points to is replaced', async () => {
    const { path, custody } = await newStore()
    const linked = freshPath()
    symlinkSync(path, linked)
    const opened = await openCustody(custody.settingText, parts(keyfile(linked)))
    await opened.rotateRootKey({ commit: committed })
    assert.ok(lstatSync(linked).isSymbolicLink())
    assert.ok(readFileSync(path, 'latin1').includes(opened.rootKeyId))
    assert.ok(await openCustody(opened.settingText, parts(keyfile(linked))))
  })

  test('a file system without links serves, too', async () => {
    const path = freshPath()
    const disk: KeyFileDisk = {
      ...localDisk,
      link: () => Promise.reject(Object.assign(new Error('no links here'), { code: 'EPERM' })),
    }
    const random = seededRandom('no links')
    const seal = keyfileSeal({ path, random, onWarning: assert.fail, disk })
    const custody = await createCustody(parts(seal))
    await custody.settleSeal()
    assert.ok(await openCustody(custody.settingText, parts(keyfile(path))))
    assert.equal(statSync(path).mode & 0o777, 0o600)
  })

  test('a file that appears while it is made is not replaced', async () => {
    const path = freshPath()
    const disk: KeyFileDisk = {
      ...localDisk,
      link: (from, to) => {
        writeFileSync(to, 'of someone else')
        return localDisk.link(from, to)
      },
    }
    const seal = keyfileSeal({
      path,
      random: seededRandom('race'),
      onWarning: assert.fail,
      disk,
    })
    await assert.rejects(createCustody(parts(seal)), refusal(/cannot write the key file.*EEXIST/))
    assert.equal(readFileSync(path, 'utf8'), 'of someone else')
  })

  test('a file that was swapped for that of another store is not touched by a rotation', async () => {
    const { path, custody } = await newStore()
    const other = await newStore()
    const foreign = readFileSync(other.path)
    writeFileSync(path, foreign)
    await assert.rejects(custody.rotateRootKey({ commit: committed }), refusal(/of another store/))
    assert.deepEqual(readFileSync(path), foreign)
    rmSync(path)
    await assert.rejects(custody.rotateRootKey({ commit: committed }), refusal(/is missing/))
  })
})
