import { aliasArn } from '../../../core/arn.ts'
import type { Stored } from '../../../core/records.ts'
import { ALIASES, type Alias } from '../../../core/tables.ts'
import { keyPermission } from '../authorization/key-permission.ts'
import { aliasPermission, aliasResource, assertOwnAliasName, getAlias } from '../keys/aliases.ts'
import { keyIdElement } from '../keys/key-changes.ts'
import { aliasNotFound } from '../keys/key-errors.ts'
import { findLiveKey, type ResolvedKey } from '../keys/key-resolver.ts'
import { defineOperation, keyResource } from '../kms-operation.ts'

interface Target {
  readonly alias: Stored<Alias>
  readonly target: ResolvedKey
}

/**
 * Removes a name; the key stays as it is, in whatever state.
 * Source: AWS KMS API Reference, DeleteAlias.
 */
export const deleteAlias = defineOperation({
  name: 'DeleteAlias',
  effect: 'write',
  check: (input) => void assertOwnAliasName(input.AliasName),

  async resolve(input, scope): Promise<Target> {
    const { records, call } = scope
    const name = assertOwnAliasName(input.AliasName)
    const alias = await getAlias(records, call, name)
    const target = await findLiveKey(records, call.region, alias.record.targetKeyId, scope)
    if (target === undefined) throw aliasNotFound(aliasArn(call, name))
    return { alias, target }
  },
  permissions: (_input, { alias, target }, scope) => [
    aliasPermission('DeleteAlias', scope.call, alias.record.name),
    keyPermission({ operation: 'DeleteAlias' }, target, scope),
  ],

  async handle(_input, { alias }, { tx }) {
    await tx.remove(ALIASES, alias)
    return undefined
  },

  resources: ({ alias, target }) => [
    keyResource(target),
    aliasResource(alias.record, alias.record.name),
  ],
  audit: (input, found) => ({
    requestParameters: { aliasName: input.AliasName },
    responseElements: keyIdElement(found?.target),
  }),
})
