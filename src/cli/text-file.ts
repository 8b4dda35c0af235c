import { readFile, stat } from 'node:fs/promises'
import { CommandError } from './failures.ts'

/** No policy and no set of keys is longer. Unit: bytes. */
const BYTES_MAX = 262_144
/** Years of anchors. Unit: bytes. */
export const ANCHOR_BYTES_MAX = 268_435_456

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : ''

const REASONS: ReadonlyMap<string, string> = new Map([
  ['ENOENT', 'there is no such file'],
  ['EACCES', 'it may not be read'],
  ['EISDIR', 'it is a folder'],
])

/**
 * The text of a file that a command names.
 * @param what the file is: `policy`
 * @throws CommandError where it cannot be read, or is too large to be meant
 */
export async function readTextFile(
  path: string,
  what: string,
  bytesMax = BYTES_MAX,
): Promise<string> {
  try {
    const { size } = await stat(path)
    if (size <= bytesMax) return await readFile(path, 'utf8')
  } catch (error) {
    const reason = REASONS.get(codeOf(error)) ?? codeOf(error)
    throw new CommandError(`the ${what} file was not read: ${reason}`)
  }
  throw new CommandError(`the ${what} file was not read: it has more than ${bytesMax} bytes`)
}
