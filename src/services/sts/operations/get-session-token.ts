import { mfaInvalid, sessionCalls } from '../refusals.ts'
import { credentialsOf } from '../role-sessions.ts'
import { defineOperation } from '../sts-operation.ts'
import { userSessionSeconds } from '../user-sessions.ts'

/**
 * Temporary credentials of the calling user itself. It needs no permission.
 * Source: AWS Security Token Service API Reference, GetSessionToken.
 */
export const getSessionToken = defineOperation({
  name: 'GetSessionToken',

  check(input, { caller }) {
    if (caller.principal.session !== undefined) throw sessionCalls('GetSessionToken')
    if (input.SerialNumber !== undefined || input.TokenCode !== undefined) throw mfaInvalid()
  },

  resolve: () => undefined,
  permissions: () => [],

  handle(input, _target, { call, sessions }) {
    const { principal, accountId } = call.caller
    const issued = sessions.issue({
      accountId,
      subject:
        principal.type === 'User' ? { kind: 'user', id: principal.uniqueId } : { kind: 'root' },
      facts: { issuedAt: call.time, tags: {}, transitiveTagKeys: [], policyArns: [] },
      durationSeconds: userSessionSeconds(principal, input.DurationSeconds),
    })
    return { Credentials: credentialsOf(issued) }
  },
})
