import { createHmac, timingSafeEqual } from 'node:crypto'
import type { LogFloor } from '../../audit/segments/log-floor.ts'
import type { RowStore } from '../../core/store.ts'
import type { Custody } from '../../crypto/custody.ts'

const settingName = (nodeId: string): string => `audit-floor:${nodeId}`

/** Length-prefixed fields, authenticated under the audit key: who could move the floor up could remove frames unseen. */
function macOf(custody: Custody, nodeId: string, floor: string, keyId: string): Buffer | undefined {
  const key = custody.findAuditMacKey(keyId)
  if (key === undefined) return undefined
  const mac = createHmac('sha256', key)
  for (const field of ['strongroom audit floor', nodeId, floor]) {
    mac.update(`${field.length}:${field}`)
  }
  return mac.digest()
}

/** Notes in the store where a node's log begins from now on. Durable once resolved: then what is in front of it may go. */
export async function saveAuditFloor(
  rows: RowStore,
  custody: Custody,
  nodeId: string,
  floor: LogFloor,
): Promise<void> {
  const keyId = custody.auditMacKey().id
  const { segment, sequence, chain, outboxHigh } = floor
  const text = JSON.stringify({ segment, sequence, chain, outboxHigh })
  const mac = macOf(custody, nodeId, text, keyId)?.toString('hex')
  const setting = JSON.stringify({ floor: text, keyId, mac })
  await rows.transaction((tx) => tx.setSetting(settingName(nodeId), setting))
}

/** Where the log begins; undefined where nothing was ever removed, `forged` where the MAC does not fit. */
export async function loadAuditFloor(
  rows: Pick<RowStore, 'setting'>,
  custody: Custody,
  nodeId: string,
): Promise<LogFloor | 'forged' | undefined> {
  const text = await rows.setting(settingName(nodeId))
  if (text === undefined) return undefined
  const parsed: unknown = JSON.parse(text)
  if (typeof parsed !== 'object' || parsed === null) return 'forged'
  // Each member is checked, here and by the MAC.
  const { floor, keyId, mac } = parsed as Record<string, unknown>
  if (typeof floor !== 'string' || typeof keyId !== 'string' || typeof mac !== 'string')
    return 'forged'
  const expected = macOf(custody, nodeId, floor, keyId)
  const given = Buffer.from(mac, 'hex')
  const genuine =
    expected !== undefined && given.length === expected.length && timingSafeEqual(given, expected)
  // Only `saveAuditFloor` can have made a MAC that fits.
  return genuine ? (JSON.parse(floor) as LogFloor) : 'forged'
}
