import { accessKeysOf, shownAccessKey } from '../../access-keys.ts'
import { defineCallerOperation } from '../../caller.ts'
import { pageOfItems } from '../../paging.ts'

/**
 * The access keys of a user, or of who is calling, without their secrets.
 * Source: AWS IAM API Reference, ListAccessKeys.
 */
export const listAccessKeys = defineCallerOperation({
  name: 'ListAccessKeys',
  effect: 'read',
  async handle(input, subject, scope) {
    const keys = await accessKeysOf(scope.records, scope.home.accountId, subject)
    const page = pageOfItems(scope, keys, ({ record }) => [record.accessKeyId], input, subject.arn)
    return {
      AccessKeyMetadata: page.items.map(({ record }) => shownAccessKey(subject, record)),
      ...page.next,
    }
  },
})
