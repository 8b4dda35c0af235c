import type { AccountId, AliasName, KeyId, Region } from './ids.ts'
import { parseAccountId } from './ids.ts'
import type { Partition } from './regions.ts'
import { partitionOf } from './regions.ts'

/** An Amazon Resource Name, in its six parts. */
export interface Arn {
  readonly partition: string
  readonly service: string
  readonly region: string
  readonly accountId: AccountId
  /** Everything behind the fifth colon: `key/…`, `alias/…`. */
  readonly resource: string
}

/** The parts of an ARN, or undefined for text that is none or names no account. */
export function parseArn(text: string): Arn | undefined {
  const parts = text.split(':')
  const [prefix, partition, service, region, account, ...resource] = parts
  if (prefix !== 'arn' || parts.length < 6) return undefined
  const accountId = parseAccountId(account ?? '')
  if (!partition || !service || region === undefined || accountId === undefined) return undefined
  return { partition, service, region, accountId, resource: resource.join(':') }
}

/** Where an owned thing lives. */
export interface Place {
  readonly accountId: AccountId
  readonly region: Region
}

const kmsPrefix = ({ accountId, region }: Place): string =>
  `arn:${partitionOf(region)}:kms:${region}:${accountId}:`

/** `arn:aws:kms:eu-central-1:111122223333:key/…` */
export const keyArn = (place: Place, keyId: KeyId | string): string =>
  `${kmsPrefix(place)}key/${keyId}`

/** The same for many keys of one place. */
export function keyArns(place: Place): (keyId: KeyId) => string {
  const prefix = `${kmsPrefix(place)}key/`
  return (keyId) => prefix + keyId
}

/** `arn:aws:kms:eu-central-1:111122223333:alias/…` */
export const aliasArn = (place: Place, name: AliasName | string): string =>
  `${kmsPrefix(place)}${name}`

/** The account's root principal, as policies and callers name it. */
export const rootArn = (partition: Partition, accountId: AccountId): string =>
  `arn:${partition}:iam::${accountId}:root`
