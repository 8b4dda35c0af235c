import { compilePolicy } from '../../../authz/compiled-policy.ts'
import type { Permission } from '../../../authz/permission.ts'
import type { NamedPolicy } from '../../../authz/policies.ts'
import { keyArn, type Place } from '../../../core/arn.ts'
import { assert } from '../../../core/assert.ts'
import { ConflictError } from '../../../core/errors.ts'
import type { Region } from '../../../core/ids.ts'
import {
  DAY_MS,
  type Instant,
  type KeyId,
  parseKeyId,
  plusMs,
  SERVICE_ACCOUNT,
} from '../../../core/ids.ts'
import type { Key } from '../../../core/key.ts'
import type { KeyStore } from '../../../core/key-store.ts'
import type { Records } from '../../../core/records.ts'
import { ALIASES, BACKING_KEYS, KEY_POLICIES, KEYS } from '../../../core/tables.ts'
import type { ServiceEvent } from '../../../pipeline/operation.ts'
import { kmsConditionKeys } from '../authorization/condition-keys.ts'
import { requestTraits } from '../authorization/request-traits.ts'
import type { KmsScope } from '../kms-operation.ts'
import { commitRecorded, type TimedWorkParts } from '../timed-work.ts'
import { newSymmetricKey } from './new-key.ts'
import {
  managedDescription,
  managedKeyPolicy,
  ownedKeyPolicy,
  predefinedAlias,
} from './predefined-keys.ts'

/** Source: AWS KMS Developer Guide, AWS managed keys: rotated every year. */
const ROTATION_DAYS = 365

export interface ServiceKeysParts extends TimedWorkParts {
  readonly keystore: KeyStore
}

/** What one service needs of a key that is not a customer's. */
interface Wanted extends Place {
  /** Short name: `ssm`. */
  readonly service: string
  readonly description: string
  readonly policy: string
}

/**
 * The keys that services have without anybody having made them: AWS managed keys, one for each account,
 * Region and service, and AWS owned keys, which no account sees. Each is made when it is first needed.
 */
export class ServiceKeys {
  readonly #parts: ServiceKeysParts

  constructor(parts: ServiceKeysParts) {
    this.#parts = parts
  }

  /** The AWS managed key of a service, if there is one yet. */
  async findManaged(service: string, place: Place, records: Records): Promise<KeyId | undefined> {
    const key = [place.accountId, place.region, predefinedAlias(service)]
    return (await records.find(ALIASES, key))?.record.targetKeyId
  }

  /**
   * The AWS managed key of a service, made if there is none. Durable and on the record once resolved.
   * @param keyId the id of one that has to be made; a new one where absent
   */
  ensureManaged(
    service: string,
    { accountId, region }: Place,
    keyId: KeyId = this.newKeyId(),
  ): Promise<KeyId> {
    const description = managedDescription(service)
    const policy = managedKeyPolicy(service, { accountId, region })
    return this.#ensure({ service, accountId, region, description, policy }, keyId)
  }

  /** As `ensureManaged`, for a key that the service keeps to itself. */
  ensureOwned(service: string, region: Region): Promise<KeyId> {
    const wanted = {
      service,
      accountId: SERVICE_ACCOUNT,
      region,
      description: '',
      policy: ownedKeyPolicy(service, region),
    }
    return this.#ensure(wanted, this.newKeyId())
  }

  newKeyId(): KeyId {
    const keyId = parseKeyId(this.#parts.random.uuid())
    assert(keyId !== undefined, 'a UUID is a key id')
    return keyId
  }

  async #ensure(wanted: Wanted, keyId: KeyId): Promise<KeyId> {
    const { records } = this.#parts
    const present = await this.findManaged(wanted.service, wanted, records)
    if (present !== undefined) return present
    try {
      return await this.#make(wanted, keyId)
    } catch (error) {
      if (!(error instanceof ConflictError)) throw error
      // Somebody was faster: it is their key that everybody has.
      const theirs = await this.findManaged(wanted.service, wanted, records)
      if (theirs === undefined) throw error
      return theirs
    }
  }

  async #make(wanted: Wanted, keyId: KeyId): Promise<KeyId> {
    const { keystore, clock } = this.#parts
    const time = clock.now()
    // Drawn before the transaction, which may run more than once.
    const { material, materialId } = await keystore.createMaterial('SYMMETRIC_DEFAULT', keyId)
    using _ = material
    const made = newSymmetricKey(wanted, { keyId, materialId, createdAt: time })
    const key = managed(made.key, wanted, time)
    const { accountId, region, service, policy } = wanted
    const name = predefinedAlias(service)
    await commitRecorded(this.#parts, time, async ({ tx, recordEvent }) => {
      const alias = {
        accountId,
        region,
        name,
        targetKeyId: keyId,
        createdAt: time,
        updatedAt: time,
      }
      await tx.insert(ALIASES, alias)
      await tx.insert(KEYS, key)
      await tx.insert(BACKING_KEYS, made.backingKey, material)
      await tx.insert(KEY_POLICIES, { region, keyId, text: policy })
      await recordEvent(creationEvent(key, name))
    })
    return keyId
  }
}

const managed = (key: Key, { service, description }: Wanted, time: Instant): Key => ({
  ...key,
  description,
  managedBy: service,
  rotation: { periodDays: ROTATION_DAYS, nextDate: plusMs(time, ROTATION_DAYS * DAY_MS) },
})

/** Our wording: what CloudTrail records of it is not documented. */
const creationEvent = (key: Key, aliasName: string): ServiceEvent => ({
  name: 'CreateKey',
  accountId: key.accountId,
  region: key.region,
  resources: [{ accountId: key.accountId, type: 'AWS::KMS::Key', arn: keyArn(key, key.keyId) }],
  details: { keyId: key.keyId, keyManager: 'AWS', aliasName },
})

/** An AWS managed key that is made when the permission to look at it is granted. */
export interface KeyToMake {
  readonly service: string
  readonly keyId: KeyId
}

/** The permission to look at such a key: as its policy will have it. */
export function keyToMakePermission(
  { service, keyId }: KeyToMake,
  input: { readonly KeyId: string },
  { call }: KmsScope,
): Permission {
  const { accountId, region } = call
  const policy: NamedPolicy = {
    layer: 'resource-policy',
    name: 'key policy',
    policy: compilePolicy(managedKeyPolicy(service, { accountId, region })),
  }
  const traits = {
    spec: 'SYMMETRIC_DEFAULT',
    usage: 'ENCRYPT_DECRYPT',
    origin: 'AWS_KMS',
    region,
    multiRegion: undefined,
  } as const
  const request = requestTraits('DescribeKey', input, call.via !== undefined)
  return {
    action: 'kms:DescribeKey',
    resource: {
      accountId,
      arn: keyArn(call, keyId),
      guard: {
        kind: 'key',
        policy: () => policy,
        operation: 'DescribeKey',
        isCrossAccount: true,
        grantsFor: () => Promise.resolve([]),
      },
    },
    serviceKey: kmsConditionKeys(call, traits, request),
    slowKeys: {
      names: ['kms:resourcealiases'],
      load: () => Promise.resolve([predefinedAlias(service)]),
    },
  }
}
