import { parseAccessKeyId } from '../../../core/ids.ts'
import { CREDENTIALS } from '../../../core/tables.ts'
import { accessKeyUnknown, sessionCalls } from '../refusals.ts'
import { defineOperation } from '../sts-operation.ts'
import { isUserSession } from '../user-sessions.ts'

/**
 * The account that an access key id belongs to, whatever its state. Those of sessions are kept nowhere.
 * Source: AWS Security Token Service API Reference, GetAccessKeyInfo.
 */
export const getAccessKeyInfo = defineOperation({
  name: 'GetAccessKeyInfo',

  check(_input, { caller }) {
    if (isUserSession(caller.principal)) throw sessionCalls('GetAccessKeyInfo')
  },

  resolve: () => undefined,
  permissions: () => [{ action: 'sts:GetAccessKeyInfo' }],

  async handle(input, _target, { records }) {
    const id = parseAccessKeyId(input.AccessKeyId)
    const stored = id === undefined ? undefined : await records.find(CREDENTIALS, [id])
    if (stored === undefined) throw accessKeyUnknown()
    return { Account: stored.record.accountId }
  },
})
