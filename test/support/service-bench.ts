import assert from 'node:assert/strict'
import { ServiceError } from '../../src/core/errors.ts'
import { Secret } from '../../src/core/secret.ts'
import type { CallOrigin } from '../../src/pipeline/pipeline.ts'
import type { PassedOn } from '../../src/pipeline/service-callers.ts'
import { Identities } from './identities.ts'
import { type JsonObject, type MemoryNode, startMemoryNode } from './memory-node.ts'
import { callBy, regionOf, userPrincipal } from './principals.ts'
import { createKey, WireClient } from './wire-client.ts'

export const ACCOUNT = '111122223333'
export const OTHER = '444455556666'
export const ROOT = `arn:aws:iam::${ACCOUNT}:root`
export const REGION = regionOf('eu-central-1')
const EVERYTHING =
  '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}'

/** An Allow. */
export const statement = (
  principal: unknown,
  action: string | readonly string[],
  condition?: object,
) => ({
  Effect: 'Allow',
  Principal: principal,
  Action: action,
  Resource: '*',
  ...(condition && { Condition: condition }),
})
export const policyOf = (...statements: readonly object[]): string =>
  JSON.stringify({ Version: '2012-10-17', Statement: statements })
/** Lets the account decide everything. */
export const OWN = statement({ AWS: ROOT }, 'kms:*')
/** Lets the account's root set the policy and look, and nobody use the key. */
export const MANAGE = statement({ AWS: ROOT }, ['kms:Put*', 'kms:Describe*', 'kms:List*'])

/** For `assert.rejects`: a refusal of this code, with this in its text. */
export const refusal =
  (code: string, text = /./) =>
  (error: unknown): boolean => {
    assert.ok(error instanceof ServiceError, String(error))
    assert.equal(error.code, code)
    assert.match(error.publicMessage ?? '', text)
    return true
  }
export const denied = (text: RegExp) => refusal('AccessDeniedException', text)

/** A node whose services call KMS, and a user who may do everything that key policies let the account decide. */
export class ServiceBench {
  readonly node: MemoryNode
  readonly identities: Identities
  readonly kms: WireClient
  readonly user: PassedOn

  private constructor(node: MemoryNode, identities: Identities, user: PassedOn) {
    this.node = node
    this.identities = identities
    this.kms = new WireClient(node.endpoint, ACCOUNT)
    this.user = user
  }

  static async open(): Promise<ServiceBench> {
    const node = await startMemoryNode()
    const identities = new Identities(node.records)
    const clerk = await identities.addUser(ACCOUNT, '/clerk', {
      inlinePolicies: { everything: EVERYTHING },
    })
    return new ServiceBench(node, identities, callBy(userPrincipal(clerk)))
  }

  encrypt(origin: CallOrigin, keyId: string, context: Readonly<Record<string, string>> = {}) {
    return this.node.kms.call(origin, 'Encrypt', {
      KeyId: keyId,
      Plaintext: new Secret(new Uint8Array([1, 2, 3])),
      EncryptionContext: context,
    })
  }

  /** The last record of an operation or event. */
  lastRecord(name: string): JsonObject {
    const records = this.node.sink.frames.flatMap(({ records: all }) => all)
    const found = records.findLast((record) => record['eventName'] === name)
    assert.ok(found, `there is a record of ${name}`)
    return found
  }

  /** The ARN of a new key with this policy. */
  async keyWith(...statements: readonly object[]): Promise<string> {
    return (await createKey(this.kms, { Policy: policyOf(...statements) })).arn
  }

  async close(): Promise<void> {
    this.kms.close()
    await this.node.close()
  }
}
