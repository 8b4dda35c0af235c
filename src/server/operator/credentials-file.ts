import { readFileSync } from 'node:fs'
import type { IssuedCredential } from '../../core/operator.ts'
import { writeFileDurably } from '../durable-file.ts'

const OWNER_ONLY = 0o600

/** Writes a credential in the AWS shared credentials format, as the profile `default`. */
export function writeCredentialsFile(path: string, issued: IssuedCredential): void {
  const lines = [
    `# The root credentials of account ${issued.accountId}. Whoever has them may do everything in it.`,
    '[default]',
    `aws_access_key_id = ${issued.accessKeyId}`,
    `aws_secret_access_key = ${issued.secretAccessKey}`,
    '',
  ]
  writeFileDurably(path, lines.join('\n'), OWNER_ONLY)
}

/** The access key id that the file names; undefined without a file or without one in it. */
export function accessKeyIdInFile(path: string): string | undefined {
  try {
    return /^aws_access_key_id\s*=\s*(\S+)\s*$/m.exec(readFileSync(path, 'utf8'))?.[1]
  } catch {
    // No file: it was moved to a safer place, as it should be.
    return undefined
  }
}
