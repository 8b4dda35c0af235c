import { defineCallerOperation } from '../../caller.ts'
import { loginProfileNotFound } from '../../refusals.ts'

/**
 * There are no passwords here: no user has a login profile.
 * Source: AWS IAM API Reference, DeleteLoginProfile.
 */
export const deleteLoginProfile = defineCallerOperation({
  name: 'DeleteLoginProfile',
  effect: 'write',
  handle(_input, subject) {
    throw loginProfileNotFound(subject.kind === 'user' ? subject.stored.record.name : 'root')
  },
})
