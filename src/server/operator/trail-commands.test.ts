import assert from 'node:assert/strict'
import { createSecretKey } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { append } from '../../../test/fault/audit-fixture.ts'
import { callFrame, HOUR, openTestTrail } from '../../../test/support/trail-fixture.ts'
import { openAuditLog } from '../../audit/segments/open-audit-log.ts'
import { diskTrailObjects } from '../../audit/trail/trail-objects-disk.ts'
import { publicKeyPem } from '../../audit/trail/trail-signing-keys.ts'
import type { ProveOptions } from '../../cli/program.ts'
import { createRandom } from '../../crypto/random.ts'
import { machineClock } from '../clocks.ts'
import { createOperatorLog } from './operator-log.ts'
import { auditProve, auditVerifyTrail } from './trail-commands.ts'

describe('the trail of a folder', () => {
  const folder = mkdtempSync(join(tmpdir(), 'strongroom-trail-'))
  after(() => rmSync(folder, { recursive: true }))
  let publicKeys = ''
  let until = 0

  const prove = (eventId: string, copy?: string): Promise<string> =>
    auditProve(options(eventId, copy), () => undefined)
  const options = (eventId: string, copy?: string): ProveOptions => ({
    dataFolder: folder,
    store: undefined,
    keyfile: undefined,
    seal: undefined,
    passphraseFile: undefined,
    readPassphrase: () => Promise.reject(new Error('nobody is asked')),
    eventId,
    copy,
  })

  before(async () => {
    const trail = await openTestTrail({ objects: diskTrailObjects(join(folder, 'trail')) })
    const { log } = await openAuditLog({
      folder: join(folder, 'audit'),
      nodeId: 'node-1',
      macKey: createSecretKey(createRandom().bytes(32)),
      macKeyId: 'key',
      clock: machineClock,
      log: createOperatorLog('silent'),
      segmentBytes: 65_536,
    })
    const event = async (id: string): Promise<void> => {
      await trail.event(id)
      assert.equal(await append(log, callFrame(id, trail.clock.now())), undefined)
    }
    await event('closed')
    trail.clock.advance(HOUR)
    await trail.delivery.closeDueHours(trail.clock.now())
    await event('open')
    await trail.delivery.catchUp()
    await log.close()
    until = trail.clock.now()
    publicKeys = (await trail.signingKeys.all()).map(publicKeyPem).join('')
  })

  test('verifies', async () => {
    let rounds = 0
    const verdict = await auditVerifyTrail(
      {
        folder: join(folder, 'trail'),
        publicKeys,
        until,
        anchors: undefined,
        accountId: undefined,
        allowUnsignedNewest: false,
        node: undefined,
      },
      () => {
        rounds += 1
      },
    )
    assert.deepEqual([verdict.findings, verdict.digests, rounds], [[], 1, 1])
  })

  test('proves an event by the log of the node, and from a copy without one', async () => {
    const proof = await prove('closed')
    assert.match(proof, /"eventId": "closed"/)
    assert.equal(await prove('closed', join(folder, 'trail')), proof)
  })

  test('says why an event cannot be proven', async () => {
    for (const [id, copy, message, hint] of [
      ['open', undefined, /no digest covers it yet/, /the hour that ended at .* is overdue/],
      ['open', join(folder, 'trail'), /no digest covers it yet/, /when its hour is closed/],
      ['none', undefined, /there is no event none in the log/, /audit cat/],
      ['none', join(folder, 'trail'), /there is no event none in the trail/, /audit cat/],
    ] as const) {
      await assert.rejects(prove(id, copy), (error: Error & { hint?: string }) => {
        assert.equal(error.name, 'OperatorError')
        assert.match(error.message, message)
        assert.match(error.hint ?? '', hint)
        return true
      })
    }
  })

  test('says so, too, before there is a trail', async () => {
    rmSync(join(folder, 'trail'), { recursive: true })
    await assert.rejects(prove('closed'), /event closed is recorded, and no digest covers it yet/)
    await assert.rejects(prove('closed', join(folder, 'trail')), /there is no trail in/)
  })
})
