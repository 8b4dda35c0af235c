import type { Place } from '../../../core/arn.ts'
import { DependencyError, ServiceError } from '../../../core/errors.ts'
import type { Records, Stored } from '../../../core/records.ts'
import { Secret } from '../../../core/secret.ts'
import { CUSTOM_KEY_STORES, type CustomKeyStore, type XksProxy } from '../../../core/tables.ts'
import type { AuditDetail } from '../../../pipeline/operation.ts'
import type { CustomKeyStoresListEntry } from '../model.ts'

/** Per account and Region. Source: AWS KMS Developer Guide, Resource quotas. */
export const CUSTOM_KEY_STORES_MAX = 10

type ConnectionState = CustomKeyStore['connectionState']

/**
 * In which states a custom key store can be asked for what.
 * Source: AWS KMS API Reference, the custom key store operations and CustomKeyStoreInvalidStateException.
 */
export const STORE_STATES = {
  connect: ['DISCONNECTED', 'CONNECTING', 'CONNECTED'],
  disconnect: ['CONNECTING', 'CONNECTED', 'FAILED'],
  /** A new name; of an external key store also its credential and path. */
  adjust: ['DISCONNECTED', 'CONNECTED'],
  /** Every other change. */
  change: ['DISCONNECTED'],
  delete: ['DISCONNECTED'],
  /** To make keys or random bytes in it. */
  use: ['CONNECTED'],
} as const satisfies Readonly<Record<string, readonly ConnectionState[]>>

/** The caller's custom key store. @throws ServiceError CustomKeyStoreNotFoundException; AWS sends no message with it */
export async function getCustomKeyStore(
  records: Records,
  { accountId, region }: Place,
  storeId: string,
): Promise<Stored<CustomKeyStore>> {
  const stored = await records.find(CUSTOM_KEY_STORES, [accountId, region, storeId])
  if (stored === undefined) throw new ServiceError('CustomKeyStoreNotFoundException')
  return stored
}

/** The caller's custom key store of a name, of which there is at most one. */
export async function findCustomKeyStoreByName(
  records: Records,
  { accountId, region }: Place,
  name: string,
): Promise<Stored<CustomKeyStore> | undefined> {
  const equals = [accountId, region, name]
  const [stored] = await records.page(CUSTOM_KEY_STORES, { index: 'by_name', equals, limit: 1 })
  return stored
}

/** @throws ServiceError CustomKeyStoreInvalidStateException. Our wording. */
export function assertStoreState(
  { record }: Stored<CustomKeyStore>,
  purpose: keyof typeof STORE_STATES,
): void {
  const allowed: readonly ConnectionState[] = STORE_STATES[purpose]
  if (allowed.includes(record.connectionState)) return
  throw new ServiceError(
    'CustomKeyStoreInvalidStateException',
    `The custom key store ${record.storeId} is ${record.connectionState}, and must be ${allowed.join(' or ')}.`,
  )
}

/** @throws ServiceError CustomKeyStoreNameInUseException, unless the name is free or the store's own. Our wording. */
export async function assertStoreNameFree(
  records: Records,
  place: Place,
  name: string,
  ownId?: string,
): Promise<void> {
  const holder = await findCustomKeyStoreByName(records, place, name)
  if (holder === undefined || holder.record.storeId === ownId) return
  throw new ServiceError(
    'CustomKeyStoreNameInUseException',
    `Another custom key store in this Region is named ${name}.`,
  )
}

/** No store can be connected here, so that none has an HSM or a proxy to work with. */
export const noMaterialInStore = ({ record }: Stored<CustomKeyStore>): DependencyError =>
  new DependencyError(`nothing stands behind the custom key store ${record.storeId}`)

const proxyConfiguration = (
  proxy: XksProxy | undefined,
): CustomKeyStoresListEntry['XksProxyConfiguration'] =>
  proxy && {
    Connectivity: proxy.connectivity,
    AccessKeyId: new Secret(new TextEncoder().encode(proxy.accessKeyId)),
    UriEndpoint: proxy.uriEndpoint,
    UriPath: proxy.uriPath,
    VpcEndpointServiceName: proxy.vpcEndpointServiceName,
    VpcEndpointServiceOwner: proxy.vpcEndpointServiceOwner,
  }

/** A custom key store as DescribeCustomKeyStores shows it: its password or secret access key never. */
export const customKeyStoreEntry = ({
  record,
}: Stored<CustomKeyStore>): CustomKeyStoresListEntry => ({
  CustomKeyStoreId: record.storeId,
  CustomKeyStoreName: record.name,
  CloudHsmClusterId: record.cloudHsmClusterId,
  TrustAnchorCertificate: record.trustAnchorCertificate,
  ConnectionState: record.connectionState,
  ConnectionErrorCode: record.connectionErrorCode,
  CreationDate: record.createdAt,
  CustomKeyStoreType: record.type,
  XksProxyConfiguration: proxyConfiguration(record.xksProxy),
})

/** What stands in audit records where a secret was given. Our wording. */
export const MASKED = '[secret]'

/** What the record of a call on one custom key store says of it. */
export const auditStore = (
  stored: Stored<CustomKeyStore> | undefined,
): Pick<AuditDetail, 'additionalEventData'> =>
  stored === undefined
    ? {}
    : {
        additionalEventData: {
          customKeyStoreName: stored.record.name,
          clusterId: stored.record.cloudHsmClusterId,
        },
      }
