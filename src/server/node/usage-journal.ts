import { createHmac, timingSafeEqual } from 'node:crypto'
import type { AuditLog } from '../../audit/segments/audit-log.ts'
import { readFrames } from '../../audit/segments/read-frames.ts'
import type { Log } from '../../core/ports.ts'
import type { RowStore } from '../../core/store.ts'
import type { Custody } from '../../crypto/custody.ts'
import type { UsageJournal } from '../../services/kms/keys/key-usage.ts'

export interface UsageJournalParts {
  readonly rows: Pick<RowStore, 'setting' | 'transaction'>
  readonly custody: Pick<Custody, 'auditMacKey' | 'findAuditMacKey'>
  readonly nodeId: string
  readonly audit: Pick<AuditLog, 'head'>
  readonly auditFolder: string
  readonly log: Log
}

const settingName = (nodeId: string): string => `usage-noted:${nodeId}`

/** Length-prefixed fields, authenticated under the audit key: who moves the mark ahead hides uses. */
function macOf(
  { custody, nodeId }: UsageJournalParts,
  sequence: number,
  keyId: string,
): Buffer | undefined {
  const key = custody.findAuditMacKey(keyId)
  if (key === undefined) return undefined
  const mac = createHmac('sha256', key)
  for (const field of ['strongroom usage mark', nodeId, String(sequence)]) {
    mac.update(`${field.length}:${field}`)
  }
  return mac.digest()
}

/** The mark that a setting holds; undefined where it was not written by `writeMark`. */
function parseMark(parts: UsageJournalParts, text: string): number | undefined {
  const parsed: unknown = JSON.parse(text)
  if (typeof parsed !== 'object' || parsed === null) return undefined
  // Each member is checked by the MAC over it, which only `writeMark` can have made.
  const { sequence, keyId, mac } = parsed as Record<string, unknown>
  if (typeof sequence !== 'number' || typeof keyId !== 'string' || typeof mac !== 'string')
    return undefined
  const expected = macOf(parts, sequence, keyId)
  const given = Buffer.from(mac, 'hex')
  const isGenuine =
    expected !== undefined && given.length === expected.length && timingSafeEqual(given, expected)
  return isGenuine ? sequence : undefined
}

/** A node's audit log as the record of uses of keys, with its mark in a setting of the store. */
export function openUsageJournal(parts: UsageJournalParts): UsageJournal {
  const { rows, custody, nodeId, audit, auditFolder, log } = parts
  // What is damaged is told by those who guard the log; here only its uses are lost.
  const onDamage = ({ what }: { readonly what: string }): void =>
    log.warn({ what }, 'uses of keys cannot be read from a damaged place of the audit log')
  return {
    sequence: () => audit.head().sequence,
    async readMark() {
      const text = await rows.setting(settingName(nodeId))
      if (text === undefined) return 0
      const mark = parseMark(parts, text)
      if (mark === undefined)
        log.warn({}, 'the mark of noted key uses was altered; the whole audit log is read again')
      return mark ?? 0
    },
    async writeMark(sequence) {
      const keyId = custody.auditMacKey().id
      const mac = macOf(parts, sequence, keyId)?.toString('hex')
      const text = JSON.stringify({ sequence, keyId, mac })
      await rows.transaction((tx) => tx.setSetting(settingName(nodeId), text))
    },
    async *framesBehind(sequence) {
      for await (const { text } of readFrames(auditFolder, { from: sequence + 1, onDamage })) {
        yield text
      }
    },
  }
}
