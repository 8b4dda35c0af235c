import type { Permission } from '../../../authz/permission.ts'
import { aliasArn, type Place } from '../../../core/arn.ts'
import { ServiceError } from '../../../core/errors.ts'
import { type AliasName, parseAliasName } from '../../../core/ids.ts'
import type { Records, Stored } from '../../../core/records.ts'
import { ALIASES, type Alias } from '../../../core/tables.ts'
import type { AuditResource } from '../../../pipeline/operation.ts'
import { aliasNotFound, validationError } from './key-errors.ts'
import { RESERVED_PREFIX } from './predefined-keys.ts'

/** Source: AWS KMS Developer Guide, Resource quotas: aliases per customer managed key. */
export const ALIASES_PER_KEY_MAX = 50

/** @throws ServiceError ValidationException without the prefix, InvalidAliasNameException without a name */
export function assertAliasName(name: string): AliasName {
  if (!name.startsWith('alias/')) {
    throw validationError(
      'Alias must start with the prefix "alias/". Please see https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html',
    )
  }
  const parsed = parseAliasName(name)
  if (parsed === undefined)
    throw new ServiceError('InvalidAliasNameException', `Invalid alias name '${name}'`)
  return parsed
}

/** As `assertAliasName`, for an alias that is to be made or changed. AWS sends no message here. */
export function assertOwnAliasName(name: string): AliasName {
  if (name.startsWith(RESERVED_PREFIX)) throw new ServiceError('NotAuthorizedException')
  return assertAliasName(name)
}

/** The caller's alias of this name. @throws ServiceError NotFoundException */
export async function getAlias(
  records: Records,
  place: Place,
  name: AliasName,
): Promise<Stored<Alias>> {
  const stored = await records.find(ALIASES, [place.accountId, place.region, name])
  if (stored === undefined) throw aliasNotFound(aliasArn(place, name))
  return stored
}

/** The permission on the alias itself, by identity policies; the one on its key is asked for beside it. */
export const aliasPermission = (operation: string, place: Place, name: string): Permission => ({
  action: `kms:${operation}`,
  resource: { accountId: place.accountId, arn: aliasArn(place, name) },
})

/** An alias as audit records list it: CloudTrail gives it the type of a key. */
export const aliasResource = (place: Place, name: string): AuditResource => ({
  accountId: place.accountId,
  type: 'AWS::KMS::Key',
  arn: aliasArn(place, name),
})
