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
  getAlias,
} from '../keys/aliases.ts'
import { keyIdElement } from '../keys/key-changes.ts'
import { aliasNotFound, validationError } from '../keys/key-errors.ts'
import { findLiveKey, type ResolvedKey, resolveKey } from '../keys/key-resolver.ts'
import { NOT_PENDING_DELETION } from '../keys/key-states.ts'
import {
  assertKeyFits,
  defineOperation,
  type KmsWriteScope,
  keyResource,
} from '../kms-operation.ts'

interface Target {
  readonly name: AliasName
  readonly alias: Stored<Alias>
  readonly current: ResolvedKey
  readonly next: ResolvedKey
}

const LOOKUP = { operation: 'UpdateAlias', accepts: 'idOrArn', hasInvalidArn: false } as const

async function assertRoom({ current, next }: Target, { tx, call }: KmsWriteScope): Promise<void> {
  if (next.key.keyId === current.key.keyId) return
  const equals = [call.accountId, call.region, next.key.keyId]
  const count = await tx.count(ALIASES, { index: 'by_target', equals, atMost: ALIASES_PER_KEY_MAX })
  if (count >= ALIASES_PER_KEY_MAX) {
    throw new ServiceError(
      'LimitExceededException',
      `The key ${next.arn} already has ${ALIASES_PER_KEY_MAX} aliases.`,
    )
  }
}

/**
 * Lets an alias name another key of the same type and usage.
 * Source: AWS KMS API Reference, UpdateAlias.
 */
export const updateAlias = defineOperation({
  name: 'UpdateAlias',
  effect: 'write',
  check: (input) => void assertOwnAliasName(input.AliasName),

  async resolve(input, scope): Promise<Target> {
    const { records, call } = scope
    const name = assertOwnAliasName(input.AliasName)
    const alias = await getAlias(records, call, name)
    const current = await findLiveKey(records, call.region, alias.record.targetKeyId, scope)
    if (current === undefined) throw aliasNotFound(aliasArn(call, name))
    return { name, alias, current, next: await resolveKey(input.TargetKeyId, LOOKUP, scope) }
  },
  permissions: (_input, { name, current, next }, scope) => [
    aliasPermission('UpdateAlias', scope.call, name),
    keyPermission({ operation: 'UpdateAlias' }, current, scope),
    keyPermission({ operation: 'UpdateAlias' }, next, scope),
  ],
  admit(_input, { current, next }) {
    // The old target may be waiting for its deletion: that is when an alias is moved away from it.
    assertKeyFits('UpdateAlias', { states: NOT_PENDING_DELETION }, next)
    if (current.key.usage !== next.key.usage || current.key.spec !== next.key.spec) {
      throw validationError(
        `The new target ${next.arn} must have the same type and key usage as the present one.`,
      )
    }
  },

  async handle(_input, found, scope) {
    await assertRoom(found, scope)
    const { alias, next } = found
    const record = { ...alias.record, targetKeyId: next.key.keyId, updatedAt: scope.call.time }
    await scope.tx.update(ALIASES, alias, record)
    return undefined
  },

  resources: ({ name, next }) => [keyResource(next), aliasResource(next.key, name)],
  audit: (input, found) => ({
    requestParameters: { aliasName: input.AliasName, targetKeyId: input.TargetKeyId },
    responseElements: keyIdElement(found?.next),
  }),
})
