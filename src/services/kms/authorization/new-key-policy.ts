import type { AccessRequest } from '../../../authz/access-request.ts'
import { compilePolicy } from '../../../authz/compiled-policy.ts'
import { decideOnKey } from '../../../authz/decide.ts'
import type { NamedPolicy, PrincipalPolicies } from '../../../authz/policies.ts'
import { keyArn } from '../../../core/arn.ts'
import { ServiceError } from '../../../core/errors.ts'
import type { Key } from '../../../core/key.ts'
import { partitionOf } from '../../../core/regions.ts'
import type { KeyPolicy } from '../../../core/tables.ts'
import { bindPrincipals } from '../../../identity/bound-policy.ts'
import { CallContext } from '../../../pipeline/condition-context.ts'
import type { KmsScope } from '../kms-operation.ts'
import { kmsConditionKeys } from './condition-keys.ts'

const INVALID_PRINCIPALS = 'Policy contains a statement with one or more invalid principals.'
const LOCKED_OUT = 'The new key policy will not allow you to update the key policy in the future.'

/** Whoever the key policy lets the account decide on may be given the permission later. */
const EVERYTHING: PrincipalPolicies = {
  identity: [
    {
      layer: 'identity-policy',
      name: 'lockout safety check',
      policy: compilePolicy(
        '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}',
      ),
    },
  ],
}

/** Whether the caller could change the policy again under the new one. */
function canUpdate(policy: NamedPolicy, key: Key, { call }: KmsScope): boolean {
  const arn = keyArn(key, key.keyId)
  const permission = {
    action: 'kms:PutKeyPolicy',
    resource: { accountId: key.accountId, arn, tags: key.tags },
    serviceKey: kmsConditionKeys(call, key, {}),
  }
  const request: AccessRequest = {
    action: permission.action,
    principal: call.caller.principal,
    resourceArn: arn,
    resourceAccount: key.accountId,
    context: new CallContext(call, permission),
  }
  const access = { policy, operation: 'PutKeyPolicy', isCrossAccount: false, grants: [] }
  return decideOnKey(request, EVERYTHING, access).allowed
}

/**
 * The record of a new policy of a key: its principals are found and kept by their ids, and its author must
 * not be locked out. To be asked of a text that `assertKeyPolicy` has let pass.
 * Source: AWS KMS API Reference, PutKeyPolicy, BypassPolicyLockoutSafetyCheck.
 * @throws ServiceError MalformedPolicyDocumentException
 */
export async function newKeyPolicy(
  text: string,
  { key, isLockoutAllowed }: { readonly key: Key; readonly isLockoutAllowed: boolean },
  scope: KmsScope,
): Promise<KeyPolicy> {
  const { region, keyId } = key
  const place = { partition: partitionOf(region), home: scope.call.accountId }
  const { bound } = await bindPrincipals(scope.records, text, place)
  if (bound === undefined) {
    throw new ServiceError('MalformedPolicyDocumentException', INVALID_PRINCIPALS)
  }
  const policy = compilePolicy(bound.text, bound.principalIds)
  const named: NamedPolicy = { layer: 'resource-policy', name: 'key policy', policy }
  if (!isLockoutAllowed && !canUpdate(named, key, scope)) {
    throw new ServiceError('MalformedPolicyDocumentException', LOCKED_OUT)
  }
  return { region, keyId, ...bound }
}
