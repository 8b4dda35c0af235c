import type { Decision } from '../authz/decision.ts'
import type { Ruling } from './authorizer.ts'

/** The reasons of a decision, without what it was about. */
function reasonsOf(decision: Decision): object {
  const { grounds } = decision
  if (!decision.allowed) return { allowed: false, denial: decision.denial, grounds }
  const grants = decision.grants?.map(({ grantId, name }) => ({ grantId, name }))
  return { allowed: true, path: decision.path, grounds, ...(grants && { grants }) }
}

/** What the log said of a decision, and what it was about. */
interface Told {
  readonly action: string
  readonly resourceArn: string
  readonly owner: string | undefined
  readonly text: string
}

/**
 * What the log keeps of the decisions of a call, for those who ask later why it was or was not allowed. It
 * stands beside the CloudTrail record, not in it: the caller's own record must not tell of others' policies.
 */
export class DecisionRecords {
  /** Decisions come from a cache, one for each action and resource, and so do their texts. */
  readonly #told = new WeakMap<Decision, Told>()

  /** A JSON list; undefined where nothing was decided. */
  jsonOf(decided: readonly Ruling[]): string | undefined {
    const [first] = decided
    if (first === undefined) return undefined
    let entries = this.#entry(first)
    for (let at = 1; at < decided.length; at++) {
      const ruling = decided[at]
      if (ruling !== undefined) entries += `,${this.#entry(ruling)}`
    }
    return `[${entries}]`
  }

  #entry({ request, decision, missing, nearMisses }: Ruling): string {
    const { action, resourceArn, resourceAccount, principal } = request
    const owner = resourceAccount === principal.accountId ? undefined : resourceAccount
    const told = this.#told.get(decision)
    // Of what was denied, more is told than the decision itself.
    const isPlain = missing === undefined && nearMisses === undefined
    if (
      isPlain &&
      told?.resourceArn === resourceArn &&
      told.action === action &&
      told.owner === owner
    ) {
      return told.text
    }
    const belongs = owner === undefined ? '' : `"owner":"${owner}",`
    const misses = nearMisses === undefined ? '' : `"nearMisses":${JSON.stringify(nearMisses)},`
    const lacks = missing === undefined ? '' : `"missing":${JSON.stringify(missing)},`
    const reasons = JSON.stringify(reasonsOf(decision)).slice(1)
    const text = `{"action":"${action}","resource":${JSON.stringify(resourceArn)},${belongs}${lacks}${misses}${reasons}`
    if (isPlain) this.#told.set(decision, { action, resourceArn, owner, text })
    return text
  }
}
