import { CREDENTIAL, PROXY } from '../support/custom-key-stores.ts'
import type { JsonObject } from '../support/memory-node.ts'
import { membersOf, textOf } from '../support/wire-client.ts'
import type { AuditCase } from './kms-audit-cases.ts'

const ACCOUNT = '111122223333'
const AWAY = 'us-west-2'

/** An operation on one custom key store: what it was asked, and the store's name. */
const onStore = (
  operation: string,
  which: 'storeId' | 'idleStoreId',
  more: { readonly input?: object; readonly recorded?: object } = {},
): AuditCase => ({
  operation,
  input: (world) => ({ CustomKeyStoreId: world[which], ...more.input }),
  expected: (world) => ({
    requestParameters: { customKeyStoreId: world[which], ...more.recorded },
    additionalEventData: { customKeyStoreName: which },
    readOnly: false,
  }),
})

/** The metadata of a replica in the making, as the record of ReplicateKey has it. */
const replicaMetadata = (made: JsonObject, arn: string, primaryArn: string): object => ({
  aWSAccountId: ACCOUNT,
  keyId: made['KeyId'],
  arn,
  creationDate: 'Jan 15, 2026, 10:00:00 AM',
  enabled: false,
  description: 'away',
  keyUsage: 'ENCRYPT_DECRYPT',
  keyState: 'Creating',
  origin: 'AWS_KMS',
  keyManager: 'CUSTOMER',
  customerMasterKeySpec: 'SYMMETRIC_DEFAULT',
  keySpec: 'SYMMETRIC_DEFAULT',
  encryptionAlgorithms: ['SYMMETRIC_DEFAULT'],
  multiRegion: true,
  multiRegionConfiguration: {
    multiRegionKeyType: 'REPLICA',
    primaryKey: { arn: primaryArn, region: 'eu-central-1' },
    replicaKeys: [{ arn, region: AWAY }],
  },
})

/**
 * Operations on families of keys and on custom key stores, in the order in which they are called.
 * Source: AWS KMS Developer Guide, example CloudTrail records.
 */
export const REGION_CASES: readonly AuditCase[] = [
  {
    operation: 'ReplicateKey',
    input: ({ relatedId }) => ({
      KeyId: relatedId,
      ReplicaRegion: AWAY,
      Description: 'away',
      Tags: [{ TagKey: 'k', TagValue: 'v' }],
    }),
    expected: ({ relatedId, relatedArn }, { json }) => {
      const made = membersOf(json, 'ReplicaKeyMetadata')
      return {
        requestParameters: {
          keyId: relatedId,
          replicaRegion: AWAY,
          description: 'away',
          bypassPolicyLockoutSafetyCheck: false,
          tags: [{ tagKey: 'k', tagValue: 'v' }],
        },
        responseElements: {
          replicaKeyMetadata: replicaMetadata(made, textOf(made, 'Arn'), relatedArn),
          replicaPolicy: json['ReplicaPolicy'],
          replicaTags: [{ tagKey: 'k', tagValue: 'v' }],
        },
        resources: [relatedArn],
        readOnly: false,
      }
    },
  },
  {
    operation: 'UpdatePrimaryRegion',
    input: ({ relatedId }) => ({ KeyId: relatedId, PrimaryRegion: AWAY }),
    expected: ({ relatedId, relatedArn }) => ({
      requestParameters: { keyId: relatedId, primaryRegion: AWAY },
      responseElements: { keyId: relatedArn },
      resources: [relatedArn],
      readOnly: false,
    }),
  },
  {
    operation: 'CreateCustomKeyStore',
    input: () => ({
      CustomKeyStoreName: 'recorded',
      ...PROXY,
      XksProxyVpcEndpointServiceOwner: ACCOUNT,
    }),
    expected: (_world, { json }) => ({
      requestParameters: {
        customKeyStoreName: 'recorded',
        customKeyStoreType: 'EXTERNAL_KEY_STORE',
        xksProxyConnectivity: PROXY.XksProxyConnectivity,
        xksProxyUriEndpoint: PROXY.XksProxyUriEndpoint,
        xksProxyUriPath: PROXY.XksProxyUriPath,
        xksProxyVpcEndpointServiceName: PROXY.XksProxyVpcEndpointServiceName,
        xksProxyVpcEndpointServiceOwner: ACCOUNT,
        xksProxyAuthenticationCredential: '[secret]',
      },
      responseElements: { customKeyStoreId: json['CustomKeyStoreId'] },
      readOnly: false,
    }),
  },
  {
    operation: 'DescribeCustomKeyStores',
    input: () => ({ CustomKeyStoreName: 'recorded' }),
    expected: () => ({
      requestParameters: { customKeyStoreName: 'recorded' },
      readOnly: true,
    }),
  },
  onStore('UpdateCustomKeyStore', 'storeId', {
    input: {
      NewCustomKeyStoreName: 'storeId',
      XksProxyUriPath: '/new/kms/xks/v1',
      XksProxyAuthenticationCredential: CREDENTIAL,
    },
    recorded: {
      newCustomKeyStoreName: 'storeId',
      xksProxyUriPath: '/new/kms/xks/v1',
      xksProxyAuthenticationCredential: '[secret]',
    },
  }),
  onStore('ConnectCustomKeyStore', 'storeId'),
  onStore('DisconnectCustomKeyStore', 'storeId'),
  onStore('DeleteCustomKeyStore', 'idleStoreId'),
]
