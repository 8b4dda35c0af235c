import type { Clock, Log } from '../../core/ports.ts'
import { type Repetition, repeat } from '../repeat.ts'
import type { OperatorChoice } from './operator-choice.ts'
import { type OperatorFiles, type OperatorTrust, readOperatorTrust } from './operator-trust.ts'
import { marksOf } from './tls-renewal.ts'

/** How often the files are looked at. */
const FILES_MS = 10_000
/** How often the record of the node's own operator CA is looked at, which is in memory. */
const OWN_MS = 2000

export interface OperatorRenewalParts {
  readonly clock: Clock
  readonly log: Log
  readonly use: (trust: OperatorTrust) => void
}

type WithOwn = OperatorRenewalParts & { readonly ownTrust: () => Promise<OperatorTrust> }

/** Follows whose certificates are those of operators, so that it changes without a restart. */
export function followOperators(
  operators: OperatorChoice | undefined,
  present: OperatorTrust | undefined,
  parts: WithOwn,
): Repetition | undefined {
  if (operators === undefined || present === undefined) return undefined
  const look =
    operators.kind === 'files'
      ? operatorFileFollower(operators, parts)
      : ownOperatorFollower(present, parts)
  return repeat(look, operators.kind === 'files' ? FILES_MS : OWN_MS, (error) =>
    parts.log.error({}, 'the operator CA could not be looked at', error),
  )
}

/**
 * Looks at the files of the operator CA and its revocation list. What is wrong is told once, and what was read last goes
 * on: a list of it until it is out of date, which refuses every operator.
 */
export function operatorFileFollower(
  { caFile, crlFile }: OperatorFiles,
  { clock, log, use }: OperatorRenewalParts,
): () => Promise<void> {
  const files = crlFile === undefined ? [caFile] : [caFile, crlFile]
  let seen = marksOf(files)
  let told = ''
  return async () => {
    try {
      const marks = marksOf(files)
      if (marks === seen) return
      use(
        await readOperatorTrust({ caFile, ...(crlFile !== undefined && { crlFile }) }, clock.now()),
      )
      seen = marks
      told = ''
      log.info({ file: caFile }, 'the operator CA was read again')
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error)
      if (message !== told) {
        const text = 'the files of the operator CA were changed and cannot be used'
        log.error({}, `${text}; what was read before goes on`, error)
      }
      told = message
    }
  }
}

/** Looks whether the node's own operator CA is another one by now. */
export function ownOperatorFollower(
  present: OperatorTrust,
  { log, use, ownTrust }: WithOwn,
): () => Promise<void> {
  let { pem } = present
  return async () => {
    const next = await ownTrust()
    if (next.pem === pem) return
    use(next)
    pem = next.pem
    log.warn({}, 'the operator CA was replaced: certificates of the old one are void')
  }
}
