import { CREDENTIALS } from '../../../../core/tables.ts'
import { getAccessKey } from '../../access-keys.ts'
import { defineCallerOperation } from '../../caller.ts'
import { invalidInput } from '../../refusals.ts'

/**
 * Takes an access key out of use, or puts it back.
 * Source: AWS IAM API Reference, UpdateAccessKey.
 */
export const updateAccessKey = defineCallerOperation({
  name: 'UpdateAccessKey',
  effect: 'write',
  check({ Status: status }) {
    if (status === 'Expired') throw invalidInput('An access key cannot be made Expired.')
  },
  async handle({ AccessKeyId: accessKeyId, Status: status }, subject, { tx, home }) {
    const stored = await getAccessKey(tx, home.accountId, { subject, accessKeyId })
    await tx.update(CREDENTIALS, stored, {
      ...stored.record,
      status: status === 'Active' ? 'Active' : 'Inactive',
    })
    return undefined
  },
})
