import { defineOperation } from '../sts-operation.ts'

/**
 * Who is calling. It needs no permission, and no policy can forbid it.
 * Source: AWS Security Token Service API Reference, GetCallerIdentity.
 */
export const getCallerIdentity = defineOperation({
  name: 'GetCallerIdentity',
  resolve: () => undefined,
  permissions: () => [],
  handle: (_input, _target, { call: { caller } }) => ({
    UserId: caller.userId,
    Account: caller.accountId,
    Arn: caller.arn,
  }),
})
