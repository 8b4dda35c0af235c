import { assert } from '../../../core/assert.ts'
import type { Call } from '../../../pipeline/call.ts'
import type { Operation } from '../../../pipeline/operation.ts'
import { type GetCallerIdentityResponse, STS_MODEL } from '../model.ts'

const MODEL = STS_MODEL.operations.get('GetCallerIdentity')
assert(MODEL !== undefined, 'the service model has GetCallerIdentity')

/**
 * Who is calling. It needs no permission, and no policy can forbid it.
 * Source: AWS Security Token Service API Reference, GetCallerIdentity.
 */
export const getCallerIdentity: Operation<object, GetCallerIdentityResponse, undefined, undefined> =
  {
    name: 'GetCallerIdentity',
    model: MODEL,
    effect: 'read',
    readOnly: true,
    check: () => undefined,
    prepare: () => undefined,
    drawsMaterial: false,
    authorizesFirst: false,
    resolve: () => undefined,
    permissions: () => [],
    screen: () => undefined,
    admit: () => undefined,
    isDryRun: () => false,
    rehearse: () => undefined,
    handle: (_input, _target, { call }: { call: Call }) => ({
      UserId: call.caller.userId,
      Account: call.caller.accountId,
      Arn: call.caller.arn,
    }),
    resources: () => [],
    audit: () => ({ requestParameters: null }),
  }
