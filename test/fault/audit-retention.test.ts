import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { describe, test } from 'node:test'
import { FrameWriter } from '../../src/audit/event.ts'
import { findFloor } from '../../src/audit/segments/log-floor.ts'
import { openAuditLog } from '../../src/audit/segments/open-audit-log.ts'
import { readFrames } from '../../src/audit/segments/read-frames.ts'
import { diskSegmentFiles } from '../../src/audit/segments/segment-files.ts'
import { segmentName } from '../../src/audit/segments/segment-format.ts'
import { logSource } from '../../src/audit/trail/log-source.ts'
import { memoryTrailObjects } from '../../src/audit/trail/trail-objects-memory.ts'
import { DAY_MS } from '../../src/core/ids.ts'
import { createRandom } from '../../src/crypto/random.ts'
import { AuditTrail } from '../../src/pipeline/audit-trail.ts'
import { saveAuditFloor } from '../../src/server/node/audit-floor.ts'
import { saveAuditHead } from '../../src/server/node/audit-head.ts'
import { AuditRetention, type AuditRetentionParts } from '../../src/server/node/audit-retention.ts'
import { composeTrail } from '../../src/server/node/compose-trail.ts'
import { nodeIdOf } from '../../src/server/node/node-id.ts'
import { openNodeState } from '../../src/server/node/node-state.ts'
import { auditVerify } from '../../src/server/operator/audit-commands.ts'
import { temporaryFolder } from '../support/server-process.ts'
import {
  ACCOUNT,
  callFrame,
  checkChain,
  folderOptions,
  HOUR,
  StandingClock,
} from '../support/trail-fixture.ts'
import { append, keptLog } from './audit-fixture.ts'

const DAYS = 10

/** A node's folder with small segments, and a clock that stands. */
async function openFolder(others: Partial<AuditRetentionParts> = {}) {
  const options = folderOptions(temporaryFolder())
  const clock = new StandingClock()
  const log = keptLog()
  const state = await openNodeState(options, { clock, random: createRandom(), log }, 'any')
  const { auditFolder } = state.folder
  const nodeId = nodeIdOf(state.folder, createRandom())
  const { id: macKeyId, key: macKey } = state.custody.auditMacKey()
  const opened = await openAuditLog({
    folder: auditFolder,
    nodeId,
    macKey,
    macKeyId,
    clock,
    log,
    segmentBytes: 4096,
  })
  const auditLog = opened.log
  const trailFiles = composeTrail({
    source: logSource({ nodeId, files: auditFolder, head: () => auditLog.head(), log }),
    records: state.records,
    objects: memoryTrailObjects(),
    homeRegion: 'us-east-1',
    clock,
    log,
  })
  const trail = new AuditTrail(auditLog, state.rows)
  const frames = new FrameWriter()
  const parts = { state, nodeId, trailFiles, trail, frames, clock, log, days: DAYS, readers: [] }
  const retention = new AuditRetention({ ...parts, ...others })
  const segmentNames = () =>
    readdirSync(auditFolder)
      .filter((name) => name.startsWith('segment-'))
      .sort()
  return {
    ...trailFiles,
    clock,
    log,
    retention,
    folder: auditFolder,
    custody: state.custody,
    segmentNames,
    segments: () => segmentNames().length,
    frames: () => Array.fromAsync(readFrames(auditFolder)),
    auditLog,
    /** What `audit verify` says once everything is closed. */
    async verdict() {
      const { sequence, chain } = auditLog.head()
      await saveAuditHead(state.rows, state.custody, nodeId, { sequence, chain })
      await auditLog.close()
      await state.close()
      return auditVerify(options)
    },
    rows: state.rows,
    nodeId,
  }
}

/** Some calls a day, closed hour by hour. */
async function live(node: Awaited<ReturnType<typeof openFolder>>, days: number): Promise<void> {
  const { clock, delivery, auditLog } = node
  for (let day = 0; day < days; day += 1) {
    for (let n = 0; n < 3; n += 1) {
      const frame = callFrame(`${clock.now()}-${n}`, clock.now())
      assert.equal(await append(auditLog, frame), undefined)
    }
    clock.advance(HOUR)
    await delivery.closeDueHours(clock.now())
    clock.advance(DAY_MS - HOUR)
    await delivery.closeDueHours(clock.now())
  }
}

const ends = async (node: Awaited<ReturnType<typeof openFolder>>) =>
  (await checkChainFrom(node)).map(({ digest }) => digest.digestEndTime)

/** As `checkChain`, of a chain whose beginning may be gone. */
async function checkChainFrom(node: Awaited<ReturnType<typeof openFolder>>) {
  return checkChain(node, { accountId: ACCOUNT, region: 'eu-central-1', isCut: true })
}

describe('retention', () => {
  test('removes old segments and old files, and leaves what verifies', async () => {
    const node = await openFolder()
    await live(node, 15)
    const before = { segments: node.segments(), digests: (await ends(node)).length }
    await node.retention.round()
    // What digests have said is not kept goes with the next round.
    await live(node, 1)
    await node.retention.round()
    assert.ok(node.segments() < before.segments, `${node.segments()} of ${before.segments}`)
    const kept = await checkChainFrom(node)
    assert.ok(kept.length < before.digests, `${kept.length} of ${before.digests}`)
    const oldest = kept[0]?.digest.digestStartTime ?? ''
    const newest = kept.at(-1)?.digest
    assert.equal(newest?.strongroom.keptSince, oldest)
    assert.ok(Date.parse(oldest) <= node.clock.now() - DAYS * DAY_MS)
    assert.ok(Date.parse(oldest) > node.clock.now() - (DAYS + 3) * DAY_MS)
    const frames = await node.frames()
    const told = frames.filter(({ text }) => text.includes('"action":"audit-retention"'))
    assert.ok(told.some(({ text }) => text.includes('"removes":"segments"')))
    assert.ok(told.some(({ text }) => text.includes('"removes":"trail"')))
    assert.ok((frames[0]?.sequence ?? 0) > 1)
    const verdict = await node.verdict()
    assert.deepEqual([verdict.intact, verdict.problems, verdict.macsChecked], [true, [], true])
    assert.match(String(verdict.notes), /retention has removed frames up to \d+/)
  })

  test('keeps what is not read by all, and what is young', async () => {
    let read = 4
    const node = await openFolder({ readers: [() => undefined, () => read] })
    await live(node, 15)
    const before = node.segments()
    await node.retention.apply(node.clock.now())
    const first = async () => (await node.frames())[0]?.sequence ?? 0
    assert.ok((await first()) <= read + 1)
    read = 1000
    await node.retention.apply(node.clock.now())
    const sequence = await first()
    assert.ok(sequence > 5 && node.segments() < before)
    // Three frames a day: what is younger than ten days begins with frame 16 or so.
    assert.ok(sequence <= 19, String(sequence))
    assert.equal((await node.verdict()).intact, true)
  })

  test('one round an hour does it, and undelivered frames stay', async () => {
    const node = await openFolder()
    await node.retention.round()
    node.clock.advance(100 * DAY_MS)
    const before = node.segments()
    await node.retention.round()
    assert.equal(node.segments(), before)
    assert.equal((await node.verdict()).intact, true)
  })

  test('a removal that was cut off verifies at any step, and is finished', async () => {
    for (const removed of [0, 1, 2]) {
      const node = await openFolder()
      await live(node, 7)
      const files = diskSegmentFiles(node.folder, { durable: true })
      const floor = await findFloor(files, { before: node.clock.now(), through: 15 })
      assert.ok(floor !== undefined && floor.segment > 3)
      await saveAuditFloor(node.rows, node.custody, node.nodeId, floor)
      for (let number = 1; number <= removed; number += 1) await files.remove(segmentName(number))
      if (removed === 2) {
        await node.retention.apply(node.clock.now())
        assert.ok(((await node.frames())[0]?.sequence ?? 0) > floor.sequence)
      }
      const verdict = await node.verdict()
      assert.deepEqual([verdict.intact, verdict.problems], [true, []], `${removed} removed`)
    }
  })

  test('a clock that leaps ahead does not take the log with it', async () => {
    const node = await openFolder()
    await live(node, 9)
    const before = node.segments()
    node.clock.set('2099-01-01T00:00:00Z')
    await node.delivery.closeDueHours(node.clock.now())
    await node.retention.round()
    await node.retention.round()
    assert.equal(node.segments(), before)
    assert.match(node.log.messages.join(), /much time has passed at once/)
    node.clock.advance(HOUR)
    await node.retention.round()
    node.clock.advance(HOUR)
    await node.retention.round()
    node.clock.advance(HOUR)
    await node.retention.round()
    assert.ok(node.segments() < before, 'a day an hour')
    assert.ok(node.segments() > before / 2)
    assert.equal((await node.verdict()).intact, true)
  })

  test('one segment more than the floor says is missing', async () => {
    const node = await openFolder()
    await live(node, 15)
    await node.retention.apply(node.clock.now())
    const [oldest = ''] = node.segmentNames()
    await diskSegmentFiles(node.folder, { durable: true }).remove(oldest)
    const verdict = await node.verdict()
    assert.match(verdict.problems.join(), new RegExp(`${oldest}.*the segment is missing`))
  })

  test('a floor that was altered is found, and nothing is removed any more', async () => {
    const node = await openFolder()
    await live(node, 15)
    await node.retention.apply(node.clock.now())
    const setting = `audit-floor:${node.nodeId}`
    const text = (await node.rows.setting(setting)) ?? ''
    const forged = text.replace(/\\"sequence\\":(\d+)/, '\\"sequence\\":1$1')
    assert.notEqual(forged, text)
    await node.rows.transaction((tx) => tx.setSetting(setting, forged))
    await node.retention.apply(node.clock.now())
    assert.match(node.log.messages.join(), /about retention was altered: nothing is removed/)
    const verdict = await node.verdict()
    assert.equal(verdict.intact, false)
    assert.match(verdict.problems.join(), /what the store says about retention was altered/)
    assert.match(verdict.problems.join(), /missing/)
  })
})
