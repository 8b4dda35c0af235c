import { assert, unreachable } from '../../../core/assert.ts'
import { ServiceError } from '../../../core/errors.ts'
import { CUSTOM_KEY_STORES, type CustomKeyStore, type XksProxy } from '../../../core/tables.ts'
import type { Call } from '../../../pipeline/call.ts'
import { servicePermission } from '../authorization/key-permission.ts'
import {
  assertStoreNameFree,
  CUSTOM_KEY_STORES_MAX,
  MASKED,
} from '../custom-key-stores/custom-key-stores.ts'
import {
  assertXksProxy,
  assertXksProxyFree,
  assertXksProxyHealthy,
  textOf,
} from '../custom-key-stores/xks-proxies.ts'
import { cloudHsmClusterNotFound, validationError } from '../keys/key-errors.ts'
import { defineOperation, type KmsWriteScope } from '../kms-operation.ts'
import type { CreateCustomKeyStoreRequest, CustomKeyStoreType } from '../model.ts'

/** Bytes that hold the 17 hexadecimal digits of an id. */
const ID_BYTES = 9

type Member = keyof CreateCustomKeyStoreRequest

/** What each type of store must be told, and what it may. Source: AWS KMS API Reference, CreateCustomKeyStore. */
const MEMBERS: Readonly<
  Record<CustomKeyStoreType, { required: readonly Member[]; optional: readonly Member[] }>
> = {
  AWS_CLOUDHSM: {
    required: ['CloudHsmClusterId', 'TrustAnchorCertificate', 'KeyStorePassword'],
    optional: [],
  },
  EXTERNAL_KEY_STORE: {
    required: [
      'XksProxyUriEndpoint',
      'XksProxyUriPath',
      'XksProxyAuthenticationCredential',
      'XksProxyConnectivity',
    ],
    optional: ['XksProxyVpcEndpointServiceName', 'XksProxyVpcEndpointServiceOwner'],
  },
}

const typeOf = (input: CreateCustomKeyStoreRequest): CustomKeyStoreType =>
  input.CustomKeyStoreType ?? 'AWS_CLOUDHSM'

/** @throws ServiceError ValidationException. Our wording. */
function checkMembers(input: CreateCustomKeyStoreRequest): void {
  const type = typeOf(input)
  const { required } = MEMBERS[type]
  const missing = required.find((member) => input[member] === undefined)
  if (missing !== undefined)
    throw validationError(`${missing} is required for custom key stores of type ${type}.`)
  const other = type === 'AWS_CLOUDHSM' ? MEMBERS.EXTERNAL_KEY_STORE : MEMBERS.AWS_CLOUDHSM
  const foreign = [...other.required, ...other.optional].find(
    (member) => input[member] !== undefined,
  )
  if (foreign !== undefined)
    throw validationError(`${foreign} is not valid for custom key stores of type ${type}.`)
}

/** The proxy that the request describes; undefined where the store is none of that type. */
function proxyOf(input: CreateCustomKeyStoreRequest): XksProxy | undefined {
  const { XksProxyAuthenticationCredential: credential, XksProxyConnectivity: connectivity } = input
  const { XksProxyUriEndpoint: uriEndpoint, XksProxyUriPath: uriPath } = input
  if (!credential || !connectivity || uriEndpoint === undefined || uriPath === undefined)
    return undefined
  return {
    connectivity,
    uriEndpoint,
    uriPath,
    accessKeyId: textOf(credential.AccessKeyId),
    vpcEndpointServiceName: input.XksProxyVpcEndpointServiceName,
    vpcEndpointServiceOwner: input.XksProxyVpcEndpointServiceOwner,
  }
}

/** The proxy with AWS's default: an endpoint service is the caller's own. */
const withOwner = (proxy: XksProxy, { accountId }: Call): XksProxy => ({
  ...proxy,
  ...(proxy.connectivity === 'VPC_ENDPOINT_SERVICE' && {
    vpcEndpointServiceOwner: proxy.vpcEndpointServiceOwner ?? accountId,
  }),
})

/** @throws ServiceError CustomKeyStoreNameInUseException, LimitExceededException */
async function assertRoom(
  input: CreateCustomKeyStoreRequest,
  { tx, call }: KmsWriteScope,
): Promise<void> {
  await assertStoreNameFree(tx, call, input.CustomKeyStoreName)
  const equals = [call.accountId, call.region]
  const query = { index: 'key', equals, atMost: CUSTOM_KEY_STORES_MAX }
  if ((await tx.count(CUSTOM_KEY_STORES, query)) < CUSTOM_KEY_STORES_MAX) return
  throw new ServiceError(
    'LimitExceededException',
    `This account already has ${CUSTOM_KEY_STORES_MAX} custom key stores in this Region.`,
  )
}

async function createExternal(
  input: CreateCustomKeyStoreRequest,
  { tx, call }: KmsWriteScope,
  storeId: string,
): Promise<void> {
  const described = proxyOf(input)
  const secret = input.XksProxyAuthenticationCredential?.RawSecretAccessKey
  assert(described && secret, 'the members of an external key store have been checked')
  const xksProxy = withOwner(described, call)
  await assertXksProxyFree(tx, call, xksProxy)
  assertXksProxyHealthy(xksProxy)
  const store: CustomKeyStore = {
    accountId: call.accountId,
    region: call.region,
    storeId,
    name: input.CustomKeyStoreName,
    type: 'EXTERNAL_KEY_STORE',
    connectionState: 'DISCONNECTED',
    createdAt: call.time,
    xksProxy,
  }
  await tx.insert(CUSTOM_KEY_STORES, store, secret)
}

/**
 * Makes a custom key store, not yet connected. There are no CloudHSM clusters here, so that none of
 * that type can be made. Source: AWS KMS API Reference, CreateCustomKeyStore.
 */
export const createCustomKeyStore = defineOperation({
  name: 'CreateCustomKeyStore',
  effect: 'write',
  check(input) {
    checkMembers(input)
    const proxy = proxyOf(input)
    if (proxy !== undefined) assertXksProxy(proxy)
  },

  prepare: (_input, { random }) =>
    `cks-${Buffer.from(random.bytes(ID_BYTES)).toString('hex').slice(0, 17)}`,
  resolve: () => undefined,
  authorizesFirst: true,
  permissions: (_input, _target, scope) => [servicePermission('CreateCustomKeyStore', scope)],

  async handle(input, _target, scope, storeId: string) {
    await assertRoom(input, scope)
    const type = typeOf(input)
    switch (type) {
      case 'AWS_CLOUDHSM':
        throw cloudHsmClusterNotFound(input.CloudHsmClusterId)
      case 'EXTERNAL_KEY_STORE':
        await createExternal(input, scope, storeId)
        return { CustomKeyStoreId: storeId }
      default:
        return unreachable(type)
    }
  },

  audit: (input, _target, output) => ({
    requestParameters: {
      customKeyStoreName: input.CustomKeyStoreName,
      customKeyStoreType: typeOf(input),
      clusterId: input.CloudHsmClusterId,
      keyStorePassword: input.KeyStorePassword && MASKED,
      xksProxyConnectivity: input.XksProxyConnectivity,
      xksProxyUriEndpoint: input.XksProxyUriEndpoint,
      xksProxyUriPath: input.XksProxyUriPath,
      xksProxyVpcEndpointServiceName: input.XksProxyVpcEndpointServiceName,
      xksProxyVpcEndpointServiceOwner: input.XksProxyVpcEndpointServiceOwner,
      xksProxyAuthenticationCredential: input.XksProxyAuthenticationCredential && MASKED,
    },
    responseElements: output === undefined ? null : { customKeyStoreId: output.CustomKeyStoreId },
  }),
})
