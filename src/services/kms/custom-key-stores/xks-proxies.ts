import type { Place } from '../../../core/arn.ts'
import { ServiceError } from '../../../core/errors.ts'
import type { Records } from '../../../core/records.ts'
import type { Secret } from '../../../core/secret.ts'
import { CUSTOM_KEY_STORES, type XksProxy } from '../../../core/tables.ts'
import { validationError } from '../keys/key-errors.ts'
import { CUSTOM_KEY_STORES_MAX } from './custom-key-stores.ts'

/** A domain name of at least two labels whose last is no number: an address is not one. */
const HOST = /^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/

/** The text of an access key id, which the model calls sensitive and the console shows. */
export const textOf = (secret: Secret): string => new TextDecoder().decode(secret.expose())

/**
 * What must hold of a proxy by itself. Our wording.
 * @throws ServiceError ValidationException
 */
export function assertXksProxy(proxy: XksProxy): void {
  // The shape has checked that it begins with https:// and that the rest has no port.
  if (!HOST.test(proxy.uriEndpoint.slice('https://'.length).toLowerCase())) {
    throw validationError('XksProxyUriEndpoint must be https:// and a fully qualified domain name.')
  }
  const isVpc = proxy.connectivity === 'VPC_ENDPOINT_SERVICE'
  if (isVpc && proxy.vpcEndpointServiceName === undefined) {
    throw validationError(
      'XksProxyVpcEndpointServiceName is required when XksProxyConnectivity is VPC_ENDPOINT_SERVICE.',
    )
  }
  const hasVpcMember =
    proxy.vpcEndpointServiceName !== undefined || proxy.vpcEndpointServiceOwner !== undefined
  if (!isVpc && hasVpcMember) {
    throw validationError(
      'XksProxyVpcEndpointServiceName and XksProxyVpcEndpointServiceOwner are valid only when XksProxyConnectivity is VPC_ENDPOINT_SERVICE.',
    )
  }
}

/** Host names are the same in every case; paths are not. */
const isSameEndpoint = (one: XksProxy, other: XksProxy): boolean =>
  one.uriEndpoint.toLowerCase() === other.uriEndpoint.toLowerCase()

/**
 * What no two external key stores of an account and Region may share.
 * Source: AWS KMS API Reference, CreateCustomKeyStore, XksProxyUriEndpoint and XksProxyUriPath. Our wording.
 * @throws ServiceError XksProxyUriInUseException, XksProxyUriEndpointInUseException, XksProxyVpcEndpointServiceInUseException
 */
export async function assertXksProxyFree(
  records: Records,
  { accountId, region }: Place,
  proxy: XksProxy,
  ownId?: string,
): Promise<void> {
  const stores = await records.page(CUSTOM_KEY_STORES, {
    index: 'key',
    equals: [accountId, region],
    limit: CUSTOM_KEY_STORES_MAX,
  })
  const others = stores
    .filter(({ record }) => record.storeId !== ownId)
    .flatMap(({ record }) => record.xksProxy ?? [])
  const atEndpoint = others.filter((other) => isSameEndpoint(other, proxy))
  if (atEndpoint.some((other) => other.uriPath === proxy.uriPath)) {
    throw new ServiceError(
      'XksProxyUriInUseException',
      'Another external key store in this Region has this proxy URI endpoint and path.',
    )
  }
  // Only stores with public endpoints may share one.
  const isShared = atEndpoint.some(
    (other) => proxy.connectivity !== 'PUBLIC_ENDPOINT' || other.connectivity !== 'PUBLIC_ENDPOINT',
  )
  if (isShared) {
    throw new ServiceError(
      'XksProxyUriEndpointInUseException',
      'Another external key store in this Region has this proxy URI endpoint.',
    )
  }
  const service = proxy.vpcEndpointServiceName
  if (service !== undefined && others.some((other) => other.vpcEndpointServiceName === service)) {
    throw new ServiceError(
      'XksProxyVpcEndpointServiceInUseException',
      'Another external key store in this Region has this Amazon VPC endpoint service.',
    )
  }
}

/**
 * KMS asks a proxy with a public endpoint for its health before it takes it; one behind an endpoint
 * service only when the store is connected. This service opens no connections to proxies, so that
 * none with a public endpoint can be reached. Our wording.
 * @throws ServiceError XksProxyUriUnreachableException
 */
export function assertXksProxyHealthy({ connectivity, uriEndpoint }: XksProxy): void {
  if (connectivity === 'VPC_ENDPOINT_SERVICE') return
  throw new ServiceError(
    'XksProxyUriUnreachableException',
    `The external key store proxy at ${uriEndpoint} cannot be reached: this service opens no connections to proxies.`,
  )
}
