import type { Permission } from '../../../authz/permission.ts'
import type { Stored } from '../../../core/records.ts'
import { GRANTS, type Grant } from '../../../core/tables.ts'
import { constraintContext, constraintType } from '../authorization/condition-keys.ts'
import { keyPermission } from '../authorization/key-permission.ts'
import { invalidGrantToken } from '../grants/grant-tokens.ts'
import { assertGrantId, findGrant, grantNotFound } from '../grants/grants.ts'
import { keyIdElement } from '../keys/key-changes.ts'
import { validationError } from '../keys/key-errors.ts'
import { findLiveKey, type ResolvedKey, resolveKey } from '../keys/key-resolver.ts'
import { defineOperation, type KmsScope, keyResource } from '../kms-operation.ts'
import type { RetireGrantRequest } from '../model.ts'

interface Target {
  readonly target: ResolvedKey
  /** Absent where the request names one that is not there: told only to the key's owner. */
  readonly grant: Stored<Grant> | undefined
}

const LOOKUP = { operation: 'RetireGrant', accepts: 'idOrArn', hasInvalidArn: true } as const

/** Either a token, or a key and an id. @throws ServiceError ValidationException, InvalidGrantIdException */
function checkNaming({ GrantToken, KeyId, GrantId }: RetireGrantRequest): void {
  const isNamed = KeyId !== undefined && GrantId !== undefined
  const isPartly = KeyId !== undefined || GrantId !== undefined
  if (GrantToken === undefined ? !isNamed : isPartly) {
    throw validationError('Specify either GrantToken, or both KeyId and GrantId.')
  }
  if (GrantId !== undefined) assertGrantId(GrantId)
}

/** @throws ServiceError InvalidGrantTokenException */
async function resolveToken(token: string, scope: KmsScope): Promise<Target> {
  const place = scope.grantTokens.read(token)
  // A token is good in its own Region alone, as the key is.
  if (place === undefined || place.region !== scope.call.region) throw invalidGrantToken()
  const target = await findLiveKey(scope.records, place.region, place.keyId, scope)
  const grant = target && (await findGrant(scope.records, target.key, place.grantId))
  if (target === undefined || grant === undefined) throw invalidGrantToken()
  return { target, grant }
}

/**
 * A grant says itself who may retire it. One that is not there is told to those who may retire grants of
 * the key, and to nobody in another account.
 */
function retirePermission(
  target: ResolvedKey,
  grant: Stored<Grant> | undefined,
  scope: KmsScope,
): Permission {
  const constraints = grant?.record.constraints
  const request = {
    encryptionContext: constraintContext(constraints),
    values: () => ({ grantconstrainttype: constraintType(constraints) }),
  }
  const permission = keyPermission({ operation: 'RetireGrant', request, asked: {} }, target, scope)
  const { resource } = permission
  return grant === undefined || resource === undefined
    ? permission
    : {
        ...permission,
        resource: { ...resource, guard: { kind: 'retirement', grant: grant.record } },
      }
}

/**
 * Ends a grant, by those who need it no longer. The grant itself decides who may; policies of the key
 * have no say.
 * Source: AWS KMS API Reference, RetireGrant.
 */
export const retireGrant = defineOperation({
  name: 'RetireGrant',
  effect: 'write',
  check: checkNaming,

  async resolve(input, scope): Promise<Target> {
    const { GrantToken, KeyId = '', GrantId = '' } = input
    if (GrantToken !== undefined) return resolveToken(GrantToken, scope)
    const target = await resolveKey(KeyId, LOOKUP, scope)
    return { target, grant: await findGrant(scope.records, target.key, GrantId) }
  },
  permissions: (_input, { target, grant }, scope) => [retirePermission(target, grant, scope)],
  admit(input, { grant }) {
    if (grant === undefined) throw grantNotFound(input.GrantId ?? '')
  },

  async handle(_input, { grant }, { tx }) {
    if (grant !== undefined) await tx.remove(GRANTS, grant)
    return undefined
  },

  resources: ({ target }) => [keyResource(target)],
  audit: (_input, found) => ({
    requestParameters: null,
    responseElements: keyIdElement(found?.target),
    ...(found?.grant && { additionalEventData: { grantId: found.grant.record.grantId } }),
  }),
})
