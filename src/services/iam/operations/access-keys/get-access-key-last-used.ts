import { USERS } from '../../../../core/identity-tables.ts'
import { parseAccessKeyId } from '../../../../core/ids.ts'
import type { Records } from '../../../../core/records.ts'
import { CREDENTIALS, type Credential } from '../../../../core/tables.ts'
import { defineOperation } from '../../iam-operation.ts'
import { accessKeyNotFound } from '../../refusals.ts'

/** What stands for the service and the Region of a key that was never used. */
const NOWHERE = 'N/A'

async function ownerName(records: Records, { principal }: Credential): Promise<string | undefined> {
  if (principal.type !== 'User') return undefined
  return (await records.find(USERS, [principal.userId]))?.record.name
}

/**
 * Whose an access key of the account is, and when it was used last.
 * Source: AWS IAM API Reference, GetAccessKeyLastUsed.
 */
export const getAccessKeyLastUsed = defineOperation({
  name: 'GetAccessKeyLastUsed',
  effect: 'read',
  resolve: () => undefined,
  permissions: () => [{ action: 'iam:GetAccessKeyLastUsed' }],

  async handle(input, _target, { records, uses, home }) {
    const accessKeyId = parseAccessKeyId(input.AccessKeyId)
    const stored = accessKeyId && (await records.find(CREDENTIALS, [accessKeyId]))
    if (
      !stored ||
      stored.record.accountId !== home.accountId ||
      stored.record.status === 'Deleted'
    ) {
      throw accessKeyNotFound(input.AccessKeyId)
    }
    const use = await uses.lastUse(records, stored.record.accessKeyId)
    return {
      UserName: await ownerName(records, stored.record),
      AccessKeyLastUsed: {
        LastUsedDate: use?.time,
        ServiceName: use?.service ?? NOWHERE,
        Region: use?.region ?? NOWHERE,
      },
    }
  },
})
