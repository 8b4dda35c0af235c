import { CREDENTIALS } from '../../../../core/tables.ts'
import { getAccessKey } from '../../access-keys.ts'
import { defineCallerOperation } from '../../caller.ts'

/**
 * Ends an access key for good. Its record stays, so that the id is never trusted again.
 * Source: AWS IAM API Reference, DeleteAccessKey.
 */
export const deleteAccessKey = defineCallerOperation({
  name: 'DeleteAccessKey',
  effect: 'write',
  async handle({ AccessKeyId: accessKeyId }, subject, { tx, home }) {
    const stored = await getAccessKey(tx, home.accountId, { subject, accessKeyId })
    await tx.update(CREDENTIALS, stored, { ...stored.record, status: 'Deleted' })
    return undefined
  },
})
