import type {
  AccessChange,
  PolicyChange,
  SimulateRequest,
  Simulation,
} from '../../../core/explanations.ts'
import type { AccountId, Instant } from '../../../core/ids.ts'
import type { Records } from '../../../core/records.ts'
import type { ResolvedKey } from '../keys/key-resolver.ts'
import { changesFor } from './compare.ts'
import { operationsOn } from './key-actions.ts'
import { KeyWorld, type PolicySources } from './key-world.ts'
import type { Mentions } from './mentions.ts'
import {
  assertChange,
  grammarProblems,
  overlayIdentities,
  overlayKeyPolicy,
} from './policy-change.ts'
import { answer } from './question.ts'
import { RecordOverlay } from './record-overlay.ts'
import type { Subject } from './subject.ts'
import { subjectsOf } from './subjects.ts'
import { takingTurns } from './taking-turns.ts'
import { getKeyOperation } from './who-can.ts'

/** What one simulation tells at most. */
const CHANGES_MAX = 5000
/** Principals that one simulation looks at, times the keys. */
const EXAMINED_MAX = 20_000

const LOCKED_OUT =
  'nobody in the account could change the key policy any more: PutKeyPolicy would refuse it'

/** What is simulated, and for whom. */
export interface SimulationScope {
  readonly records: Records
  readonly sources: PolicySources
  readonly targets: readonly ResolvedKey[]
  /** Whose identities the change is about. */
  readonly accountId: AccountId
  readonly time: Instant
  readonly seesAll: boolean
}

interface Worlds {
  readonly before: KeyWorld
  readonly after: KeyWorld
}

const union = (one: Mentions, other: Mentions): Mentions => ({
  isEveryone: one.isEveryone || other.isEveryone,
  accounts: one.accounts.union(other.accounts),
  ids: one.ids.union(other.ids),
  arns: one.arns.union(other.arns),
  services: one.services.union(other.services),
})

/** Whether anybody in the key's account could put a policy on the key again. */
async function isLockedOut(world: KeyWorld): Promise<boolean> {
  const home = world.target.key.accountId
  const operation = 'PutKeyPolicy'
  const scope = world.scope(world.mentions([operation]), false)
  for await (const subject of takingTurns(subjectsOf(scope))) {
    if (subject.accountId !== home) continue
    const access = world.access(subject, await world.policiesOf(subject), operation)
    if (access.outcome !== 'never') return false
  }
  return true
}

/** Whether a change of identities can concern a subject: one of another account it cannot. */
function concerns(
  { keyPolicy, serviceControl, policy }: PolicyChange,
  accountId: AccountId,
  only: string | undefined,
): (subject: Subject) => boolean {
  if (keyPolicy !== undefined) return () => true
  return (subject) =>
    subject.accountId === accountId &&
    (serviceControl !== undefined ||
      (policy !== undefined && (only === undefined || subject.principal.uniqueId === only)))
}

/** Collects what changes, up to a limit. */
class Comparison {
  readonly changes: AccessChange[] = []
  examined = 0
  isPartial = false

  /** Adds what changes for all whom it concerns. */
  async add(
    worlds: Worlds,
    operations: readonly string[],
    {
      seesAll,
      isConcerned,
    }: {
      readonly seesAll: boolean
      readonly isConcerned: (subject: Subject) => boolean
    },
  ): Promise<void> {
    const { before, after } = worlds
    const mentions = union(before.mentions(operations), after.mentions(operations))
    for await (const subject of takingTurns(subjectsOf(before.scope(mentions, seesAll)))) {
      if (!isConcerned(subject)) continue
      if (this.examined >= EXAMINED_MAX || this.changes.length >= CHANGES_MAX) {
        this.isPartial = true
        return
      }
      this.examined += 1
      this.changes.push(...(await changesFor(subject, worlds, operations)))
    }
  }
}

/** The records under a change, and what is wrong with it. @throws OperatorError for what is not there */
async function overlaid(
  scope: SimulationScope,
  change: PolicyChange,
): Promise<{
  readonly overlay: RecordOverlay
  readonly problems: readonly string[]
  readonly only: string | undefined
}> {
  const overlay = new RecordOverlay(scope.records)
  assertChange(change)
  const problems = [...grammarProblems(change)]
  if (problems.length > 0) return { overlay, problems, only: undefined }
  const only = await overlayIdentities(overlay, scope.accountId, change, scope.time)
  if (change.keyPolicy !== undefined) {
    for (const { key } of scope.targets) {
      problems.push(...(await overlayKeyPolicy(overlay, key, change.keyPolicy)))
    }
  }
  return { overlay, problems, only }
}

/**
 * What a change of policies would change, by comparing who may do what to keys before and after; or how a
 * request would be decided under it.
 * @throws OperatorError for what is not there, and for a request that says nothing to simulate
 */
export async function simulate(
  scope: SimulationScope,
  { change, question, actions }: Pick<SimulateRequest, 'change' | 'question' | 'actions'>,
): Promise<Simulation> {
  const { targets, sources, seesAll, time } = scope
  const below = new RecordOverlay(scope.records)
  const { overlay, problems, only } =
    change === undefined && question !== undefined
      ? { overlay: below, problems: [], only: undefined }
      : await overlaid(scope, change ?? {})
  const warnings: string[] = []
  const comparison = new Comparison()
  const [first] = targets
  const told = {
    problems,
    warnings,
    changes: comparison.changes,
    keyArns: targets.map(({ arn }) => arn),
  }
  if (problems.length > 0) return { ...told, examined: 0, isPartial: false }
  if (question !== undefined && first !== undefined) {
    const world = await KeyWorld.open(first, overlay, sources)
    const decision = await answer(world, question, { time, seesAll })
    return { ...told, examined: 1, isPartial: false, decision }
  }
  const isConcerned = concerns(change ?? {}, scope.accountId, only)
  const chosen = actions?.map(getKeyOperation)
  for (const target of targets) {
    const before = await KeyWorld.open(target, below, sources)
    const after = await KeyWorld.open(target, overlay, sources)
    const operations = chosen ?? operationsOn(target.key)
    await comparison.add({ before, after }, operations, { seesAll, isConcerned })
    if (await isLockedOut(after)) warnings.push(`${target.arn}: ${LOCKED_OUT}`)
  }
  return { ...told, examined: comparison.examined, isPartial: comparison.isPartial }
}
