import { unreachable } from '../../../core/assert.ts'
import { ConflictError } from '../../../core/errors.ts'
import { instant } from '../../../core/ids.ts'
import {
  type ConnectionErrorCode,
  CUSTOM_KEY_STORES,
  type CustomKeyStore,
} from '../../../core/tables.ts'
import { type TimedWorkParts, workThrough } from '../timed-work.ts'

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

async function settle(parts: TimedWorkParts, due: CustomKeyStore): Promise<void> {
  const { accountId, region, storeId } = due
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

const CHANGING = {
  table: CUSTOM_KEY_STORES,
  index: 'by_change',
  dateOf: (store: CustomKeyStore) => store.changingSince,
} as const

/** Whenever it began: what is not changing has no such time, and the clock may have been moved back. */
const WHENEVER = instant(Number.MAX_SAFE_INTEGER)

/**
 * Ends what ConnectCustomKeyStore and DisconnectCustomKeyStore have begun. Idempotent; to be called
 * again and again.
 */
export async function settleCustomKeyStores(parts: TimedWorkParts): Promise<void> {
  await workThrough(parts, CHANGING, WHENEVER, (store) =>
    settle(parts, store).catch((error: unknown) => {
      if (!(error instanceof ConflictError)) throw error
      parts.log.info({ storeId: store.storeId }, 'a key store changed meanwhile')
    }),
  )
}
