import type { Context } from './context.ts'
import { CommandError, OutputClosed, UsageError } from './failures.ts'
import { askShare } from './passphrase.ts'
import type { Quorum, ShareProgress } from './program.ts'
import { readTextFile } from './text-file.ts'

/**
 * Gives shares one after the other: those of the files first, then what is typed. What was not taken is said. A file that
 * was not taken is not made up for: then there is a mistake to be mended.
 */
export function shareReader(
  files: readonly string[],
  { terminal }: Pick<Context, 'terminal'>,
): (progress: ShareProgress) => Promise<string> {
  const waiting = [...files]
  let last: string | undefined
  return async ({ given, threshold, refusal }) => {
    if (refusal !== undefined && last !== undefined) {
      throw new CommandError(`the share in ${last} was not taken: ${refusal.message}`, refusal.hint)
    }
    last = waiting.shift()
    if (last !== undefined) return readTextFile(last, 'share')
    if (refusal !== undefined) await terminal.err.write(`strongroom: ${refusal.message}\n`)
    return typedShare({ terminal }, `Share ${given + 1} of ${threshold}: `)
  }
}

/** A share that is typed and not shown. */
export async function typedShare(
  { terminal }: Pick<Context, 'terminal'>,
  question: string,
): Promise<string> {
  const bytes = await askShare(question, terminal.keyboard, terminal.err)
  try {
    return Buffer.from(bytes).toString('utf8')
  } finally {
    bytes.fill(0)
  }
}

/** Shows new shares. @throws {OutputClosed} where nobody reads them: then nothing must come to depend on them */
export async function showShares(
  shares: readonly string[],
  { terminal }: Pick<Context, 'terminal'>,
  { threshold, json }: { readonly threshold: number | undefined; readonly json: boolean },
): Promise<void> {
  const text = json
    ? `${JSON.stringify({ shares })}\n`
    : [
        `Shares of the root key, shown this once${threshold === undefined ? '' : `: any ${threshold} of them open the store`}.`,
        'Give each to another person. Whoever has too few of them has nothing, and if too many',
        'are lost nothing can ever be decrypted.',
        ...shares.map((share, at) => `  ${at + 1}  ${share}`),
        '',
        '',
      ].join('\n')
  if (!(await terminal.out.write(text))) throw new OutputClosed()
}

/** The flags of a new quorum; undefined where none is given. */
export function quorumOf(flags: {
  readonly shares?: number
  readonly threshold?: number
}): Quorum | undefined {
  const { shares, threshold } = flags
  if ((shares === undefined) !== (threshold === undefined)) {
    throw new UsageError('--shares and --threshold go together: one of them is missing')
  }
  if (shares === undefined || threshold === undefined) return undefined
  return { shares, threshold }
}
