import { readFileSync } from 'node:fs'
import { DependencyError, OperatorError } from '../../core/errors.ts'
import type { SigningCredentials } from '../../protocol/sigv4-sign.ts'

export type Environment = Readonly<Record<string, string | undefined>>

/** For messages. */
export interface CredentialsUse {
  /** What they are for. */
  readonly what: string
  /** The flag that names their file. */
  readonly flag: string
}

/**
 * Credentials for another server: of a file, read again whenever they are asked for, or of the environment.
 * @throws OperatorError where there are none now
 */
export function chooseCredentials(
  file: string | undefined,
  env: Environment,
  { what, flag }: CredentialsUse,
): () => SigningCredentials {
  if (file !== undefined) {
    try {
      credentialsInFile(file)
    } catch (error) {
      if (!(error instanceof DependencyError)) throw error
      throw new OperatorError(error.message, undefined, { cause: error })
    }
    return () => credentialsInFile(file)
  }
  const accessKeyId = env['AWS_ACCESS_KEY_ID']
  const secretAccessKey = env['AWS_SECRET_ACCESS_KEY']
  if (!accessKeyId || !secretAccessKey) {
    throw new OperatorError(
      `there are no credentials for ${what}`,
      `set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or name a file with ${flag}`,
    )
  }
  const sessionToken = env['AWS_SESSION_TOKEN']
  return () => ({ accessKeyId, secretAccessKey, ...(sessionToken && { sessionToken }) })
}

/** The profile `default` of a file in the AWS shared credentials format. @throws {DependencyError} */
function credentialsInFile(path: string): SigningCredentials {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (cause) {
    throw new DependencyError(`the credentials file ${path} cannot be read`, { cause })
  }
  const profile = /^\[default\]\s*$([^[]*)/m.exec(text)?.[1] ?? ''
  const valueOf = (name: string): string | undefined =>
    new RegExp(`^${name}\\s*=\\s*(\\S+)\\s*$`, 'm').exec(profile)?.[1]
  const accessKeyId = valueOf('aws_access_key_id')
  const secretAccessKey = valueOf('aws_secret_access_key')
  if (accessKeyId === undefined || secretAccessKey === undefined)
    throw new DependencyError(
      `the credentials file ${path} has no profile default with a key in it`,
    )
  const sessionToken = valueOf('aws_session_token')
  return { accessKeyId, secretAccessKey, ...(sessionToken !== undefined && { sessionToken }) }
}
