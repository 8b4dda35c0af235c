import type { Stored } from '../../../core/records.ts'
import { CUSTOM_KEY_STORES, type CustomKeyStore, type XksProxy } from '../../../core/tables.ts'
import { servicePermission } from '../authorization/key-permission.ts'
import {
  assertStoreNameFree,
  assertStoreState,
  auditStore,
  getCustomKeyStore,
  MASKED,
} from '../custom-key-stores/custom-key-stores.ts'
import {
  assertXksProxy,
  assertXksProxyFree,
  assertXksProxyHealthy,
  textOf,
} from '../custom-key-stores/xks-proxies.ts'
import { cloudHsmClusterNotFound, validationError } from '../keys/key-errors.ts'
import { defineOperation } from '../kms-operation.ts'
import type { CustomKeyStoreType, UpdateCustomKeyStoreRequest } from '../model.ts'

type Member = keyof UpdateCustomKeyStoreRequest

/** Which members are about which type of store; the others are about both. */
const MEMBERS: Readonly<Record<CustomKeyStoreType, readonly Member[]>> = {
  AWS_CLOUDHSM: ['KeyStorePassword', 'CloudHsmClusterId'],
  EXTERNAL_KEY_STORE: [
    'XksProxyUriEndpoint',
    'XksProxyUriPath',
    'XksProxyVpcEndpointServiceName',
    'XksProxyVpcEndpointServiceOwner',
    'XksProxyAuthenticationCredential',
    'XksProxyConnectivity',
  ],
}

/** What can be changed while the store is connected, too. Source: AWS KMS API Reference, UpdateCustomKeyStore. */
const ADJUSTABLE: ReadonlySet<Member> = new Set<Member>([
  'CustomKeyStoreId',
  'NewCustomKeyStoreName',
  'XksProxyUriPath',
  'XksProxyAuthenticationCredential',
])

const isGiven = (input: UpdateCustomKeyStoreRequest, member: Member): boolean =>
  input[member] !== undefined

/** @throws ServiceError ValidationException. Our wording. */
function assertMembersOfType(
  input: UpdateCustomKeyStoreRequest,
  { record }: Stored<CustomKeyStore>,
): void {
  const other = record.type === 'AWS_CLOUDHSM' ? 'EXTERNAL_KEY_STORE' : 'AWS_CLOUDHSM'
  const foreign = MEMBERS[other].find((member) => isGiven(input, member))
  if (foreign === undefined) return
  throw validationError(`${foreign} is not valid for custom key stores of type ${record.type}.`)
}

/** @throws ServiceError ValidationException for another connectivity without the endpoint that goes with it */
function assertEndpointGiven(
  input: UpdateCustomKeyStoreRequest,
  { record }: Stored<CustomKeyStore>,
): void {
  const { XksProxyConnectivity: connectivity, XksProxyUriEndpoint: endpoint } = input
  if (connectivity === undefined || connectivity === record.xksProxy?.connectivity) return
  if (endpoint === undefined) {
    throw validationError('XksProxyUriEndpoint is required when XksProxyConnectivity changes.')
  }
}

/** The proxy after the change; undefined for a store without one, and where none of it changes. */
function changedProxy(
  input: UpdateCustomKeyStoreRequest,
  { record }: Stored<CustomKeyStore>,
): XksProxy | undefined {
  const { xksProxy: present, accountId } = record
  if (!present || !MEMBERS.EXTERNAL_KEY_STORE.some((member) => isGiven(input, member)))
    return undefined
  const connectivity = input.XksProxyConnectivity ?? present.connectivity
  const credential = input.XksProxyAuthenticationCredential
  // What belongs to an endpoint service does not outlive the change to a public endpoint.
  const kept = connectivity === 'VPC_ENDPOINT_SERVICE' ? present : undefined
  const owner = input.XksProxyVpcEndpointServiceOwner ?? kept?.vpcEndpointServiceOwner
  return {
    connectivity,
    uriEndpoint: input.XksProxyUriEndpoint ?? present.uriEndpoint,
    uriPath: input.XksProxyUriPath ?? present.uriPath,
    accessKeyId: credential ? textOf(credential.AccessKeyId) : present.accessKeyId,
    vpcEndpointServiceName: input.XksProxyVpcEndpointServiceName ?? kept?.vpcEndpointServiceName,
    vpcEndpointServiceOwner: owner ?? (kept && accountId),
  }
}

/**
 * Changes a custom key store: its name, and where and how its keys are reached.
 * Source: AWS KMS API Reference, UpdateCustomKeyStore.
 */
export const updateCustomKeyStore = defineOperation({
  name: 'UpdateCustomKeyStore',
  effect: 'write',
  resolve: (input, { records, call }) => getCustomKeyStore(records, call, input.CustomKeyStoreId),
  authorizesFirst: true,
  permissions: (_input, _target, scope) => [servicePermission('UpdateCustomKeyStore', scope)],
  admit(input, store) {
    assertMembersOfType(input, store)
    assertEndpointGiven(input, store)
    const proxy = changedProxy(input, store)
    if (proxy !== undefined) assertXksProxy(proxy)
    // A request has no members but those of its shape.
    const members = Object.keys(input) as Member[]
    const given = members.filter((member) => isGiven(input, member))
    assertStoreState(store, given.every((member) => ADJUSTABLE.has(member)) ? 'adjust' : 'change')
  },

  async handle(input, store, { tx, call }) {
    const { record } = store
    const name = input.NewCustomKeyStoreName ?? record.name
    await assertStoreNameFree(tx, call, name, record.storeId)
    if (input.CloudHsmClusterId !== undefined)
      throw cloudHsmClusterNotFound(input.CloudHsmClusterId)
    const proxy = changedProxy(input, store)
    if (proxy !== undefined) {
      await assertXksProxyFree(tx, call, proxy, record.storeId)
      assertXksProxyHealthy(proxy)
    }
    const secret =
      input.KeyStorePassword ?? input.XksProxyAuthenticationCredential?.RawSecretAccessKey
    const changed = { ...record, name, xksProxy: proxy ?? record.xksProxy }
    await tx.update(CUSTOM_KEY_STORES, store, changed, secret)
    return {}
  },

  audit: (input, store) => ({
    requestParameters: {
      customKeyStoreId: input.CustomKeyStoreId,
      newCustomKeyStoreName: input.NewCustomKeyStoreName,
      clusterId: input.CloudHsmClusterId,
      keyStorePassword: input.KeyStorePassword && MASKED,
      xksProxyConnectivity: input.XksProxyConnectivity,
      xksProxyUriEndpoint: input.XksProxyUriEndpoint,
      xksProxyUriPath: input.XksProxyUriPath,
      xksProxyVpcEndpointServiceName: input.XksProxyVpcEndpointServiceName,
      xksProxyVpcEndpointServiceOwner: input.XksProxyVpcEndpointServiceOwner,
      xksProxyAuthenticationCredential: input.XksProxyAuthenticationCredential && MASKED,
    },
    ...auditStore(store),
  }),
})
