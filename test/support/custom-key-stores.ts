import assert from 'node:assert/strict'
import { CUSTOM_KEY_STORES, type CustomKeyStore } from '../../src/core/tables.ts'
import type { JsonObject, MemoryNode } from './memory-node.ts'
import { listOf, succeeded, textOf, type WireAnswer, type WireClient } from './wire-client.ts'

export const STORE_ACCOUNT = '111122223333'
export const STORE_REGION = 'eu-central-1'
export const SERVICE = 'com.amazonaws.vpce.eu-central-1.vpce-svc-0123456789abcdef'
export const CREDENTIAL = {
  AccessKeyId: 'ABCDEFGHIJKLMNOPQRST',
  RawSecretAccessKey: 'CANARY/secret/of/the/proxy/0123456789abcdefghij',
}
/** Everything that an external key store is made with but its name. */
export const PROXY = {
  CustomKeyStoreType: 'EXTERNAL_KEY_STORE',
  XksProxyConnectivity: 'VPC_ENDPOINT_SERVICE',
  XksProxyUriEndpoint: 'https://proxy.example.test',
  XksProxyUriPath: '/kms/xks/v1',
  XksProxyVpcEndpointServiceName: SERVICE,
  XksProxyAuthenticationCredential: CREDENTIAL,
}
/** Everything that a CloudHSM key store is made with but its name. */
export const CLUSTER = {
  CloudHsmClusterId: 'cluster-abcdefghijk',
  KeyStorePassword: 'CANARY-password',
  TrustAnchorCertificate: '-----BEGIN CERTIFICATE-----',
}

/** The custom key stores of one node, as a test makes, looks at and changes them. */
export class StoreDesk {
  readonly #node: MemoryNode
  readonly #kms: WireClient
  #made = 0

  constructor(node: MemoryNode, kms: WireClient) {
    this.#node = node
    this.#kms = kms
  }

  /** A proxy that shares nothing with another one. */
  freshProxy(): typeof PROXY {
    const number = String(++this.#made).padStart(4, '0')
    return {
      ...PROXY,
      XksProxyUriEndpoint: `https://proxy-${number}.example.test`,
      XksProxyVpcEndpointServiceName: `${SERVICE.slice(0, -4)}${number}`,
    }
  }

  async create(name: string, more: object = {}): Promise<string> {
    const input = { CustomKeyStoreName: name, ...this.freshProxy(), ...more }
    const answer = await this.#kms.kms('CreateCustomKeyStore', input)
    return textOf(succeeded(answer), 'CustomKeyStoreId')
  }

  async describe(CustomKeyStoreId: string): Promise<JsonObject> {
    const answer = await this.#kms.kms('DescribeCustomKeyStores', { CustomKeyStoreId })
    const [entry] = storesOf(answer)
    assert.ok(entry)
    return entry
  }

  /** The record itself. */
  async stored(storeId: string) {
    const key = [STORE_ACCOUNT, STORE_REGION, storeId]
    const stored = await this.#node.records.find(CUSTOM_KEY_STORES, key)
    assert.ok(stored)
    return stored
  }

  /** The secret access key of the proxy, opened. */
  async secretOf(storeId: string): Promise<string> {
    using secret = this.#node.records.unwrap(CUSTOM_KEY_STORES, await this.stored(storeId))
    return Buffer.from(secret.expose()).toString()
  }

  /** Changes the record of a store as no call can. */
  async change(storeId: string, more: Partial<CustomKeyStore>): Promise<void> {
    await this.#node.records.transaction(async (tx) => {
      const stored = await tx.find(CUSTOM_KEY_STORES, [STORE_ACCOUNT, STORE_REGION, storeId])
      assert.ok(stored)
      await tx.update(CUSTOM_KEY_STORES, stored, { ...stored.record, ...more })
    })
  }

  /** Takes every store out of the records, whatever its state. */
  async removeAll(): Promise<void> {
    await this.#node.records.transaction(async (tx) => {
      const query = { index: 'key', equals: [], limit: 100 }
      for (const stored of await tx.page(CUSTOM_KEY_STORES, query)) {
        await tx.remove(CUSTOM_KEY_STORES, stored)
      }
    })
  }
}

/** The stores of an answer. */
export const storesOf = (answer: WireAnswer): readonly JsonObject[] =>
  listOf(succeeded(answer), 'CustomKeyStores')
