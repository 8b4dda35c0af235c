import { defineCallerOperation } from '../../caller.ts'
import { loginProfileNotFound } from '../../refusals.ts'

/**
 * There are no passwords here: no user has a login profile.
 * Source: AWS IAM API Reference, UpdateLoginProfile.
 */
export const updateLoginProfile = defineCallerOperation({
  name: 'UpdateLoginProfile',
  effect: 'write',
  handle(_input, subject) {
    throw loginProfileNotFound(subject.kind === 'user' ? subject.stored.record.name : 'root')
  },
})
