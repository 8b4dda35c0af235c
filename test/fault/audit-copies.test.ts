import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { gunzipSync, gzipSync } from 'node:zlib'
import { proveEvent } from '../../src/audit/trail/event-proof.ts'
import { diskTrailCopy } from '../../src/audit/trail/trail-copy.ts'
import { diskTrailObjects } from '../../src/audit/trail/trail-objects-disk.ts'
import { publicKeyPem } from '../../src/audit/trail/trail-signing-keys.ts'
import { parseTrustedKeys } from '../../src/audit/trail/trusted-keys.ts'
import { verifyTrail } from '../../src/audit/trail/verify-trail.ts'
import { instant } from '../../src/core/ids.ts'
import { openTestTrail } from '../support/trail-fixture.ts'
import {
  ACCOUNT_A,
  ACCOUNT_B,
  aRecord,
  ChainMaker,
  makeTrail,
  memoryCopy,
} from '../support/trail-maker.ts'
import {
  atHour,
  END,
  type Files,
  findings,
  HOUR_MS,
  isOf,
  isTold,
  KEY,
  KEYS,
  PLACE,
  UNTIL,
} from './audit-trail-fixture.ts'

describe('a copy that was made with aws s3 sync', () => {
  const { files: whole } = makeTrail(KEY)
  const unsigned = new Map([...whole].filter(([name]) => !name.endsWith('.sig')))

  test('has all signatures but the newest in its digests', async () => {
    const found = await findings(unsigned)
    assert.equal(found.length, 3)
    for (const text of found)
      assert.match(text, /has no signature that could be checked: it is the newest/)
    const allowUnsignedNewest = true
    assert.deepEqual(await findings(unsigned, { allowUnsignedNewest }), [])
  })

  test('is checked all the same', async () => {
    const allowUnsignedNewest = true
    for (const [name, bytes] of unsigned) {
      const without = new Map(unsigned)
      without.delete(name)
      const isNewest = /T010000Z/.test(name)
      const found = await findings(without, {
        allowUnsignedNewest,
        until: instant(END + HOUR_MS + 1000),
      })
      assert.ok(found.length > 0, `${name} ${isNewest} ${bytes.length}`)
    }
    const files = makeTrail(
      KEY,
      atHour(1, (d) => void (d.digestPublicKeyFingerprint = 'ab'.repeat(16))),
    ).files
    for (const name of files.keys()) if (name.endsWith('.sig')) files.delete(name)
    await isTold(files, /a key that was not given/, { allowUnsignedNewest })
  })

  test('takes no word of the newest digest for what retention has removed', async () => {
    // Whoever can write the copy can write an unsigned digest: one that says that all before it was removed.
    const forged = new Map(unsigned)
    for (const [name, bytes] of unsigned) {
      if (!isOf(ACCOUNT_B, name)) continue
      if (/_20260131T2[12]/.test(name)) forged.delete(name)
      if (!/Digest.*T010000Z/.test(name)) continue
      const text = gunzipSync(bytes).toString()
      const keptSince = '"keptSince":"2026-02-01T00:00:00Z"'
      forged.set(name, gzipSync(text.replace(/"keptSince":"[^"]+"/, keptSince), { level: 2 }))
    }
    assert.ok(forged.size < unsigned.size)
    await isTold(forged, /is missing/, { allowUnsignedNewest: true })
  })

  test('a missing signature among others is found with that option, too', async () => {
    const files = new Map(whole)
    for (const name of whole.keys()) if (/T010000Z.*sig/.test(name)) files.delete(name)
    await isTold(files, /sig: is missing/, { allowUnsignedNewest: true })
    assert.equal((await findings(files, { allowUnsignedNewest: true })).length, 6)
  })
})

describe('the same trail', () => {
  const { files: whole } = makeTrail(KEY)
  const BUCKET = `strongroom-audit-${ACCOUNT_B}/`
  const bucket = new Map(
    [...whole]
      .filter(([name]) => name.startsWith(BUCKET))
      .map(([name, bytes]) => [name.slice(BUCKET.length), bytes]),
  )

  test('is found as a bucket, and as what is in AWSLogs', async () => {
    const inside = new Map(
      [...bucket].map(([name, bytes]) => [name.slice('AWSLogs/'.length), bytes]),
    )
    for (const files of [bucket, inside]) {
      const verdict = await verifyTrail(memoryCopy(files), { keys: KEYS, until: UNTIL })
      assert.deepEqual([verdict.findings, verdict.accounts, verdict.digests], [[], 1, 4])
    }
  })

  test('of one account is all that is checked where that is asked for', async () => {
    const files = new Map(whole)
    for (const name of whole.keys()) if (isOf(ACCOUNT_A, name)) files.set(name, Buffer.from('x'))
    assert.deepEqual(await findings(files, { accountId: ACCOUNT_B }), [])
    assert.notDeepEqual(await findings(files), [])
  })

  test('is not mixed with other files; hidden ones are passed over', async () => {
    for (const name of [
      'notes.txt',
      'other/x',
      `${BUCKET}x`,
      `${BUCKET}AWSLogs/1/x`,
      `${BUCKET}AWSLogs/${ACCOUNT_B}/x`,
      `${BUCKET}AWSLogs/${ACCOUNT_B}/CloudTrail/x`,
    ]) {
      await isTold(new Map([...whole, [name, Buffer.from('x')]]), /belong into a trail/)
    }
    const hidden = `${BUCKET}AWSLogs/${ACCOUNT_B}/CloudTrail/.x.json.gz.new`
    assert.deepEqual(await findings(new Map([...whole, [hidden, Buffer.from('x')]])), [])
  })

  test('of a node in its first hour verifies nothing', async () => {
    const files: Files = new Map()
    const maker = new ChainMaker(files, { ...PLACE, key: KEY, start: END })
    maker.logFile([aRecord(PLACE, 1, END + 5)], END + 60_000)
    await isTold(files, /^copy: holds no digest/)
  })

  test('is in no folder that holds nothing', async () => {
    await assert.rejects(findings(new Map([['x/y', Buffer.from('')]])), /there is no trail in copy/)
  })

  test('log files of the open hour are in no digest yet', async () => {
    const files = new Map(whole)
    const maker = new ChainMaker(files, { ...PLACE, key: KEY, start: END })
    maker.logFile([aRecord(PLACE, 500, END + 5)], END + 60_000)
    const verdict = await verifyTrail(memoryCopy(files), { keys: KEYS, until: UNTIL })
    assert.deepEqual(verdict.findings, [])
    assert.match(verdict.notes[0] ?? '', /is in no digest yet: nothing vouches for it/)
  })
})

describe('what a node delivers', () => {
  const folder = mkdtempSync(join(tmpdir(), 'strongroom-delivered-'))
  after(() => rmSync(folder, { recursive: true }))

  test('verifies: hours with and without events, a pause, a clock put back, and another key', async () => {
    const trail = await openTestTrail({ objects: diskTrailObjects(folder) })
    const { clock, delivery, signingKeys } = trail
    const hour = async (events: readonly string[]): Promise<void> => {
      for (const id of events) await trail.event(id)
      await delivery.catchUp()
      for (const id of events) await trail.event(`${id}-late`, { region: 'us-east-2' })
      clock.advance(HOUR_MS)
      await delivery.closeDueHours(clock.now())
    }
    await trail.event('other', { accountId: ACCOUNT_B })
    for (const events of [['a', 'b'], [], ['c']]) await hour(events)
    clock.advance(5 * HOUR_MS)
    await hour(['d'])
    clock.advance(-2 * HOUR_MS)
    await hour(['e', 'f'])
    await hour(['g'])
    await signingKeys.rotate()
    for (const events of [['h'], [], ['i']]) await hour(events)
    const keys = parseTrustedKeys((await signingKeys.all()).map(publicKeyPem).join(''))
    assert.ok(keys.fingerprints.length > 1)
    const verdict = await verifyTrail(diskTrailCopy(folder), { keys, until: clock.now() })
    assert.deepEqual([verdict.findings, verdict.notes], [[], []])
    assert.deepEqual([verdict.accounts, verdict.regions, verdict.records], [2, 2, 19])
    const place = {
      accountId: ACCOUNT_A,
      region: 'us-east-2',
      time: instant(clock.now() - 2 * HOUR_MS),
    }
    const proof = await proveEvent(diskTrailCopy(folder), 'i-late', place)
    assert.ok(proof !== undefined && proof !== 'open')
    await trail.event('open')
    await delivery.catchUp()
    assert.equal(await proveEvent(diskTrailCopy(folder), 'open', undefined), 'open')
    const open = await verifyTrail(diskTrailCopy(folder), { keys, until: clock.now() })
    assert.deepEqual([open.findings, open.notes.length], [[], 1])
  })
})

describe('a file that was made to be too much', () => {
  const { files: whole } = makeTrail(KEY)
  const nameOf = (pattern: RegExp): string =>
    [...whole.keys()].find((name) => pattern.test(name)) ?? ''

  test('is not unpacked, nor looked through before it is known to be what was signed', async () => {
    const log = nameOf(/CloudTrail\/.*gz$/)
    const { records } = await verifyTrail(memoryCopy(whole), { keys: KEYS, until: UNTIL })
    const altered = gunzipSync(whole.get(log) ?? '')
      .toString()
      .replace(']}', `${',{}'.repeat(1e5)}]}`)
    const verdict = await verifyTrail(memoryCopy(new Map([...whole, [log, gzipSync(altered)]])), {
      keys: KEYS,
      until: UNTIL,
    })
    assert.deepEqual(verdict.findings, [
      {
        file: log.split('/').slice(1).join('/'),
        what: 'was altered: its hash is not the one that its digest names',
      },
    ])
    assert.ok(verdict.records < records)
    const digest = nameOf(/Digest\/.*gz$/)
    const bomb = gzipSync(
      Buffer.concat([Buffer.from('['), Buffer.alloc(2 ** 26, '1,'), Buffer.from('1]')]),
    )
    await isTold(new Map([...whole, [digest, bomb]]), /is no whole gzip file any more/)
  })

  test('is none where it is a link to a device', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'strongroom-copy-'))
    after(() => rmSync(folder, { recursive: true }))
    symlinkSync('/dev/null', join(folder, 'x.json.gz'))
    assert.equal(await diskTrailCopy(folder).read('x.json.gz'), undefined)
  })
})
