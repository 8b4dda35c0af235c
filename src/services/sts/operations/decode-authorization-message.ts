import { messageInvalid, sessionCalls } from '../refusals.ts'
import { defineOperation } from '../sts-operation.ts'
import { isUserSession } from '../user-sessions.ts'

/**
 * What an encoded message about a denial says.
 * Source: AWS Security Token Service API Reference, DecodeAuthorizationMessage.
 */
export const decodeAuthorizationMessage = defineOperation({
  name: 'DecodeAuthorizationMessage',

  check(_input, { caller }) {
    if (isUserSession(caller.principal)) throw sessionCalls('DecodeAuthorizationMessage')
  },

  resolve: () => undefined,
  permissions: () => [{ action: 'sts:DecodeAuthorizationMessage' }],

  handle(input, _target, { call, messages }) {
    const decoded = messages.decode(call.accountId, input.EncodedMessage)
    if (decoded === undefined) throw messageInvalid()
    return { DecodedMessage: decoded }
  },
})
