import { ForeignMiss } from '../../../authz/permission.ts'
import { aliasArn, keyArn, type Place, parseArn } from '../../../core/arn.ts'
import { ServiceError } from '../../../core/errors.ts'
import { type Instant, type KeyId, parseAliasName, parseKeyId } from '../../../core/ids.ts'
import { isGone, type Key, keyAt } from '../../../core/key.ts'
import type { Records, Stored } from '../../../core/records.ts'
import { partitionOf } from '../../../core/regions.ts'
import { andThen, type Soon } from '../../../core/soon.ts'
import { ALIASES, KEYS } from '../../../core/tables.ts'
import type { Scope } from '../../../pipeline/operation.ts'
import type { RequestTraits } from '../authorization/condition-keys.ts'
import { missingKey } from '../authorization/key-permission.ts'
import {
  aliasNotFound,
  foreignRegion,
  invalidKeyId,
  keyNotFound,
  malformedArn,
} from './key-errors.ts'

/** A KMS key that a request named, with its ARN. */
export interface ResolvedKey {
  readonly stored: Stored<Key>
  /** As it is when the call arrived, which its record may not say yet. */
  readonly key: Key
  readonly arn: string
}

/** Which of the four identifier forms an operation takes: key id and key ARN, or aliases as well. */
export type AcceptedForms = 'idOrArn' | 'idArnOrAlias'

export interface Lookup {
  /** What is asked for, for the denial on another account's key: `Encrypt`. */
  readonly operation: string
  /** What conditions can be about, for the same denial. */
  readonly request?: () => RequestTraits
  readonly accepts: AcceptedForms
  /** Whether the service model lists InvalidArnException for the operation. */
  readonly hasInvalidArn: boolean
}

/** What the text of an identifier says, before anything is looked up. */
type Identifier = Place & ({ readonly keyId: KeyId } | { readonly alias: string })

/** Made once for each record that is in memory: a call needs it in half a dozen places. */
const arns = new WeakMap<Stored<Key>, string>()

function arnOf(stored: Stored<Key>): string {
  let arn = arns.get(stored)
  if (arn === undefined) {
    arn = keyArn(stored.record, stored.record.keyId)
    arns.set(stored, arn)
  }
  return arn
}

/** A key record as it is at a time, with the ARN of its own Region. */
export const resolvedKey = (stored: Stored<Key>, time: Instant): ResolvedKey => ({
  stored,
  key: keyAt(stored.record, time),
  arn: arnOf(stored),
})

/** The key record, unless it does not exist or its deletion date has passed. */
export function findLiveKey(
  records: Records,
  region: string,
  keyId: KeyId,
  { call }: Scope,
): Soon<ResolvedKey | undefined> {
  const key = [region, keyId]
  return andThen(records.peek(KEYS, key) ?? records.find(KEYS, key), (stored) =>
    stored === undefined || isGone(stored.record, call.time)
      ? undefined
      : resolvedKey(stored, call.time),
  )
}

/** The parts of an ARN as far as it can name something here. @throws ServiceError */
function readArn(given: string, lookup: Lookup, home: Place): Identifier {
  const arn = parseArn(given)
  const malformed = (): ServiceError =>
    lookup.hasInvalidArn ? malformedArn(given) : invalidKeyId(given)
  if (arn === undefined || arn.service !== 'kms') throw malformed()
  if (arn.region !== home.region) throw foreignRegion(arn.region)
  if (arn.partition !== partitionOf(home.region)) throw malformed()
  const place = { accountId: arn.accountId, region: home.region }
  if (arn.resource.startsWith('key/')) {
    const keyId = parseKeyId(arn.resource.slice('key/'.length))
    if (keyId === undefined) throw invalidKeyId(given)
    return { ...place, keyId }
  }
  if (!arn.resource.startsWith('alias/')) throw malformed()
  if (lookup.accepts === 'idOrArn') throw invalidKeyId(given)
  return { ...place, alias: arn.resource }
}

/** What an identifier names, by its form alone. @throws ServiceError NotFoundException, InvalidArnException */
export function readIdentifier(given: string, lookup: Lookup, home: Place): Identifier {
  const keyId = parseKeyId(given)
  if (keyId !== undefined) return { ...home, keyId }
  if (given.startsWith('arn:')) return readArn(given, lookup, home)
  if (given.startsWith('alias/') && lookup.accepts === 'idArnOrAlias')
    return { ...home, alias: given }
  throw invalidKeyId(given)
}

/** The alias's target, or undefined. */
async function targetOf(records: Records, place: Place, alias: string): Promise<KeyId | undefined> {
  const name = parseAliasName(alias)
  if (name === undefined) return undefined
  const stored = await records.find(ALIASES, [place.accountId, place.region, name])
  return stored?.record.targetKeyId
}

/**
 * Finds the key that a request names, in any of the forms the operation takes. A key of another
 * account is found by its ARN, for the authorization to decide on; what does not exist there is
 * denied in the same words, so that nobody learns which keys another account has.
 * @throws ServiceError NotFoundException, InvalidArnException, AccessDeniedException
 */
export function resolveKey(given: string, lookup: Lookup, scope: Scope): Soon<ResolvedKey> {
  const { call, records } = scope
  const identifier = readIdentifier(given, lookup, call)
  const { accountId, region } = identifier
  const refused = (): Error => {
    if (accountId !== call.accountId) {
      const { operation, request } = lookup
      return new ForeignMiss(
        missingKey({ operation, accountId, arn: given, request: request?.() }, call),
      )
    }
    return 'alias' in identifier
      ? aliasNotFound(aliasArn(identifier, identifier.alias))
      : keyNotFound(keyArn(identifier, identifier.keyId))
  }
  const keyId =
    'keyId' in identifier ? identifier.keyId : targetOf(records, identifier, identifier.alias)
  return andThen(keyId, (id) =>
    andThen(id && findLiveKey(records, region, id, scope), (found) => {
      if (found === undefined || found.key.accountId !== accountId) throw refused()
      return found
    }),
  )
}
