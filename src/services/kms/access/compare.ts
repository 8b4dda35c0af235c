import type {
  Access,
  AccessChange,
  Condition,
  ConditionalStatement,
  Reach,
} from '../../../core/explanations.ts'
import type { KeyWorld } from './key-world.ts'
import type { Subject } from './subject.ts'

const conditionsText = (conditions: readonly Condition[]): string =>
  JSON.stringify(
    conditions
      .map(({ operator, key, values }) => JSON.stringify([operator, key.toLowerCase(), ...values]))
      .sort(),
  )

const statementsText = (statements: readonly ConditionalStatement[]): string =>
  JSON.stringify(statements.map(({ conditions }) => conditionsText(conditions)).sort())

/** Under which conditions something is allowed, whichever statements say so. */
function signatureOf({ outcome, ways, denies }: Reach): string {
  if (outcome !== 'conditional') return outcome
  const told = ways
    .map(({ requires, grant }) => [
      grant === undefined ? '' : conditionsText(grant.conditions),
      ...requires.map(statementsText).sort(),
    ])
    .map((way) => JSON.stringify(way))
  return JSON.stringify([[...new Set(told)].sort(), statementsText(denies)])
}

const reachOf = ({ outcome, ways, denies }: Access): Reach => ({ outcome, ways, denies })

function effectOf(before: Reach, after: Reach): AccessChange['effect'] | undefined {
  if (signatureOf(before) === signatureOf(after)) return undefined
  if (before.outcome === 'never') return 'gains'
  return after.outcome === 'never' ? 'loses' : 'changes'
}

/** What becomes different for one subject, operation by operation. */
export async function changesFor(
  subject: Subject,
  worlds: { readonly before: KeyWorld; readonly after: KeyWorld },
  operations: readonly string[],
): Promise<readonly AccessChange[]> {
  const { before, after } = worlds
  const had = await before.policiesOf(subject)
  const has = await after.policiesOf(subject)
  const changes: AccessChange[] = []
  for (const operation of operations) {
    const then = reachOf(before.access(subject, had, operation))
    const now = reachOf(after.access(subject, has, operation))
    const effect = effectOf(then, now)
    if (effect === undefined) continue
    changes.push({
      keyArn: before.target.arn,
      principal: subject.name,
      kind: subject.kind,
      action: `kms:${operation}`,
      effect,
      before: then,
      after: now,
    })
  }
  return changes
}
