import assert from 'node:assert/strict'
import { type Credentials, STSClient } from '@aws-sdk/client-sts'

/** Who signs. */
export interface TestCredentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string
}

/** The unmodified SDK; an error comes at once instead of after retries. */
export const stsClient = (
  endpoint: string,
  credentials: TestCredentials,
  region = 'eu-central-1',
): STSClient => new STSClient({ endpoint, region, credentials, maxAttempts: 1 })

/** The credentials of a reply, as clients sign with them. */
export function credentialsIn(reply: { readonly Credentials?: Credentials | undefined }) {
  const { AccessKeyId, SecretAccessKey, SessionToken } = reply.Credentials ?? assert.fail()
  assert.ok(AccessKeyId && SecretAccessKey && SessionToken)
  return {
    accessKeyId: AccessKeyId,
    secretAccessKey: SecretAccessKey,
    sessionToken: SessionToken,
  }
}

/** Asserts that a call is refused with a code and a text. */
export const refused = (
  work: Promise<unknown>,
  code: string,
  message: string | RegExp,
): Promise<void> =>
  assert.rejects(work, (error) => {
    assert.ok(error instanceof Error, String(error))
    assert.equal(error.name, code, error.message)
    if (typeof message === 'string') assert.equal(error.message, message)
    else assert.match(error.message, message)
    return true
  })
