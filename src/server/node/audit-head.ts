import { createHmac, timingSafeEqual } from 'node:crypto'
import type { RowStore } from '../../core/store.ts'
import type { Custody } from '../../crypto/custody.ts'

/** The end of a log: how far it goes, and its chain value there. */
export interface AuditHead {
  readonly sequence: number
  readonly chain: string
}

const settingName = (nodeId: string): string => `audit-head:${nodeId}`

/** Length-prefixed fields, authenticated under the audit key, so that nobody without it can move the head back. */
function macOf(
  custody: Custody,
  nodeId: string,
  head: AuditHead,
  keyId: string,
): Buffer | undefined {
  const key = custody.findAuditMacKey(keyId)
  if (key === undefined) return undefined
  const mac = createHmac('sha256', key)
  for (const field of ['strongroom audit head', nodeId, String(head.sequence), head.chain]) {
    mac.update(`${field.length}:${field}`)
  }
  return mac.digest()
}

/** Keeps the head of a node's log in the store, so that a log which was cut shorter shows. */
export async function saveAuditHead(
  rows: RowStore,
  custody: Custody,
  nodeId: string,
  head: AuditHead,
): Promise<void> {
  const keyId = custody.auditMacKey().id
  const mac = macOf(custody, nodeId, head, keyId)?.toString('hex')
  const text = JSON.stringify({ sequence: head.sequence, chain: head.chain, keyId, mac })
  await rows.transaction((tx) => tx.setSetting(settingName(nodeId), text))
}

/** The head that the store remembers; `forged` where its MAC does not fit. */
export async function loadAuditHead(
  rows: Pick<RowStore, 'setting'>,
  custody: Custody,
  nodeId: string,
): Promise<AuditHead | 'forged' | undefined> {
  const text = await rows.setting(settingName(nodeId))
  if (text === undefined) return undefined
  const parsed: unknown = JSON.parse(text)
  if (typeof parsed !== 'object' || parsed === null) return 'forged'
  // Each member is checked by the MAC over it, which only `saveAuditHead` can have made.
  const { sequence, chain, keyId, mac } = parsed as Record<string, unknown>
  if (typeof sequence !== 'number' || typeof chain !== 'string') return 'forged'
  if (typeof keyId !== 'string' || typeof mac !== 'string') return 'forged'
  const expected = macOf(custody, nodeId, { sequence, chain }, keyId)
  const given = Buffer.from(mac, 'hex')
  const genuine =
    expected !== undefined && given.length === expected.length && timingSafeEqual(given, expected)
  return genuine ? { sequence, chain } : 'forged'
}
