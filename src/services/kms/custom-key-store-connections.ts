import type { FrameWriter } from '../../audit/event.ts'
import { unreachable } from '../../core/assert.ts'
import { ConflictError } from '../../core/errors.ts'
import type { Clock, Log } from '../../core/ports.ts'
import type { RecordStore, Stored } from '../../core/records.ts'
import {
  type ConnectionErrorCode,
  CUSTOM_KEY_STORES,
  type CustomKeyStore,
} from '../../core/tables.ts'
import type { AuditTrail } from '../../pipeline/audit-trail.ts'

/** How many stores one round looks at. */
const STORES_PER_ROUND = 100

export interface ConnectionParts {
  readonly records: RecordStore
  readonly trail: AuditTrail
  readonly frames: FrameWriter
  readonly clock: Clock
  readonly log: Log
}

/**
 * Why a store cannot be connected. There are no CloudHSM clusters and no VPC endpoint services here, and
 * no connections to proxies are opened, so that there is a reason for each.
 */
function connectionFailure({ type, xksProxy }: CustomKeyStore): ConnectionErrorCode {
  if (type === 'AWS_CLOUDHSM') return 'CLUSTER_NOT_FOUND'
  return xksProxy?.connectivity === 'VPC_ENDPOINT_SERVICE'
    ? 'XKS_VPC_ENDPOINT_SERVICE_NOT_FOUND'
    : 'XKS_PROXY_NOT_REACHABLE'
}

/** The store once what was begun with it has ended. */
function settled(store: CustomKeyStore): CustomKeyStore {
  const rest = { ...store, changingSince: undefined }
  switch (store.connectionState) {
    case 'CONNECTING':
      return {
        ...rest,
        connectionState: 'FAILED',
        connectionErrorCode: connectionFailure(store),
      }
    case 'DISCONNECTING':
      return { ...rest, connectionState: 'DISCONNECTED' }
    case 'CONNECTED':
    case 'FAILED':
    case 'DISCONNECTED':
      return rest
    default:
      return unreachable(store.connectionState)
  }
}

async function settle(parts: ConnectionParts, due: Stored<CustomKeyStore>): Promise<void> {
  const { accountId, region, storeId } = due.record
  const time = parts.clock.now()
  const committed = await parts.records.transaction(async (tx) => {
    // Looked at again inside: a call or another node may have been faster.
    const stored = await tx.find(CUSTOM_KEY_STORES, [accountId, region, storeId])
    if (stored?.record.changingSince === undefined) return undefined
    const next = settled(stored.record)
    await tx.update(CUSTOM_KEY_STORES, stored, next)
    const frame = parts.frames.background(time, 'custom-key-store-connection', {
      accountId,
      region,
      customKeyStoreId: storeId,
      connectionState: next.connectionState,
      connectionErrorCode: next.connectionErrorCode ?? '',
    })
    return { frame, outboxId: await tx.addOutbox(frame) }
  })
  if (committed !== undefined)
    await parts.trail.recordCommitted(committed.outboxId, committed.frame)
}

/**
 * Ends what ConnectCustomKeyStore and DisconnectCustomKeyStore have begun. Idempotent; to be called
 * again and again.
 */
export async function settleCustomKeyStores(parts: ConnectionParts): Promise<void> {
  for (;;) {
    const due = await parts.records.page(CUSTOM_KEY_STORES, {
      index: 'by_change',
      equals: [],
      // Whenever it began: what has no such time is left out, and the clock may have been moved back.
      upTo: Number.MAX_SAFE_INTEGER,
      limit: STORES_PER_ROUND,
    })
    for (const stored of due) {
      await settle(parts, stored).catch((error: unknown) => {
        if (!(error instanceof ConflictError)) throw error
        parts.log.info({ storeId: stored.record.storeId }, 'a key store changed meanwhile')
      })
    }
    if (due.length < STORES_PER_ROUND) return
  }
}
