import { aliasArn } from '../../../core/arn.ts'
import { ServiceError } from '../../../core/errors.ts'
import type { AliasName } from '../../../core/ids.ts'
import type { Stored } from '../../../core/records.ts'
import { ALIASES, type Alias } from '../../../core/tables.ts'
import { keyPermission } from '../authorization/key-permission.ts'
import {
  ALIASES_PER_KEY_MAX,
  aliasPermission,
  aliasResource,
  assertOwnAliasName,
} from '../keys/aliases.ts'
import { keyIdElement } from '../keys/key-changes.ts'
import { aliasTaken } from '../keys/key-errors.ts'
import { findLiveKey, type ResolvedKey, resolveKey } from '../keys/key-resolver.ts'
import { NOT_PENDING_DELETION } from '../keys/key-states.ts'
import {
  assertKeyFits,
  defineOperation,
  type KmsScope,
  type KmsWriteScope,
  keyResource,
} from '../kms-operation.ts'

interface Target {
  readonly name: AliasName
  readonly target: ResolvedKey
}

const LOOKUP = { operation: 'CreateAlias', accepts: 'idOrArn', hasInvalidArn: false } as const

/**
 * The alias of this name that a key past its deletion date has left behind, if any. The key itself is
 * left to the timed work, which records its deletion.
 * @throws ServiceError AlreadyExistsException when the name belongs to a key that lives
 */
async function findLeftover(
  name: AliasName,
  scope: KmsWriteScope,
): Promise<Stored<Alias> | undefined> {
  const { tx, call } = scope
  const present = await tx.find(ALIASES, [call.accountId, call.region, name])
  if (present === undefined) return undefined
  if ((await findLiveKey(tx, call.region, present.record.targetKeyId, scope)) !== undefined) {
    throw aliasTaken(aliasArn(call, name))
  }
  return present
}

async function assertRoom({ target }: Target, { tx, call }: KmsWriteScope): Promise<void> {
  const count = await tx.count(ALIASES, {
    index: 'by_target',
    equals: [call.accountId, call.region, target.key.keyId],
    atMost: ALIASES_PER_KEY_MAX,
  })
  if (count >= ALIASES_PER_KEY_MAX) {
    throw new ServiceError(
      'LimitExceededException',
      `The key ${target.arn} already has ${ALIASES_PER_KEY_MAX} aliases.`,
    )
  }
}

/**
 * Makes a name for a key of the same account and Region.
 * Source: AWS KMS API Reference, CreateAlias.
 */
export const createAlias = defineOperation({
  name: 'CreateAlias',
  effect: 'write',
  check: (input) => void assertOwnAliasName(input.AliasName),

  async resolve(input, scope: KmsScope): Promise<Target> {
    const name = assertOwnAliasName(input.AliasName)
    return { name, target: await resolveKey(input.TargetKeyId, LOOKUP, scope) }
  },
  permissions: (_input, { name, target }, scope) => [
    aliasPermission('CreateAlias', scope.call, name),
    keyPermission({ operation: 'CreateAlias' }, target, scope),
  ],
  admit: (_input, { target }) =>
    assertKeyFits('CreateAlias', { states: NOT_PENDING_DELETION }, target),

  async handle(_input, found, scope) {
    const { name, target } = found
    const leftover = await findLeftover(name, scope)
    await assertRoom(found, scope)
    const { accountId, region, time } = scope.call
    const { keyId: targetKeyId } = target.key
    const alias = { accountId, region, name, targetKeyId, createdAt: time, updatedAt: time }
    if (leftover === undefined) await scope.tx.insert(ALIASES, alias)
    else await scope.tx.update(ALIASES, leftover, alias)
    return undefined
  },

  resources: ({ name, target }) => [keyResource(target), aliasResource(target.key, name)],
  audit: (input, found) => ({
    requestParameters: { aliasName: input.AliasName, targetKeyId: input.TargetKeyId },
    responseElements: keyIdElement(found?.target),
  }),
})
