import type { Call } from '../../../pipeline/call.ts'
import type { Operation } from '../../../pipeline/operation.ts'
import { GET_CALLER_IDENTITY } from '../model.ts'

interface CallerIdentity {
  readonly UserId: string
  readonly Account: string
  readonly Arn: string
}

/**
 * Who is calling. It needs no permission, and no policy can forbid it.
 * Source: AWS Security Token Service API Reference, GetCallerIdentity.
 */
export const getCallerIdentity: Operation<object, CallerIdentity, undefined, undefined> = {
  name: 'GetCallerIdentity',
  model: GET_CALLER_IDENTITY,
  effect: 'read',
  readOnly: true,
  check: () => undefined,
  prepare: () => undefined,
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
