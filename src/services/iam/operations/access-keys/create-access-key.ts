import { assert } from '../../../../core/assert.ts'
import { parseAccessKeyId } from '../../../../core/ids.ts'
import { Secret } from '../../../../core/secret.ts'
import { CREDENTIALS, type Credential } from '../../../../core/tables.ts'
import { drawAccessKeyId, drawSecretAccessKey } from '../../../../identity/access-keys.ts'
import { accessKeysOf, shownAccessKey } from '../../access-keys.ts'
import { defineCallerOperation } from '../../caller.ts'
import { assertBelow } from '../../quotas.ts'

/**
 * Gives a user, or who is calling, an access key. Its secret is in this reply and never again.
 * Source: AWS IAM API Reference, CreateAccessKey.
 */
export const createAccessKey = defineCallerOperation({
  name: 'CreateAccessKey',
  effect: 'write',
  prepare: (_input, { random }) => ({
    accessKeyId: drawAccessKeyId(random, 'AKIA'),
    secret: drawSecretAccessKey(random),
  }),
  async handle(_input, subject, { tx, call, home }, drawn) {
    const present = await accessKeysOf(tx, home.accountId, subject)
    assertBelow('AccessKeysPerUser', present.length)
    const accessKeyId = parseAccessKeyId(drawn.accessKeyId)
    assert(accessKeyId !== undefined, 'a drawn access key id is well formed')
    const credential: Credential = {
      accessKeyId,
      accountId: home.accountId,
      principal:
        subject.kind === 'user'
          ? { type: 'User', userId: subject.stored.record.userId }
          : { type: 'Root' },
      status: 'Active',
      createdAt: call.time,
    }
    await tx.insert(CREDENTIALS, credential, drawn.secret)
    // A copy: what was drawn is wiped with the transaction, which is before the reply is written.
    const SecretAccessKey = new Secret(drawn.secret.expose().slice())
    return { AccessKey: { ...shownAccessKey(subject, credential), SecretAccessKey } }
  },
})
