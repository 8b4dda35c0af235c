import type { Decision } from '../authz/decision.ts'
import type { Ruling } from './authorizer.ts'

/** The reasons of a decision, without what it was about. */
function reasonsOf(decision: Decision): object {
  const { grounds } = decision
  if (!decision.allowed) return { allowed: false, denial: decision.denial, grounds }
  const grants = decision.grants?.map(({ grantId, name }) => ({ grantId, name }))
  return { allowed: true, path: decision.path, grounds, ...(grants && { grants }) }
}

/**
 * What the log keeps of the decisions of a call, for those who ask later why it was or was not allowed. It
 * stands beside the CloudTrail record, not in it: the caller's own record must not tell of others' policies.
 */
export class DecisionRecords {
  /** Decisions come from a cache, and so do their texts. */
  readonly #texts = new WeakMap<Decision, string>()

  /** A JSON list; undefined where nothing was decided. */
  jsonOf(decided: readonly Ruling[]): string | undefined {
    if (decided.length === 0) return undefined
    const entries = decided.map(({ request, decision, missing, nearMisses }) => {
      const { action, resourceArn, resourceAccount, principal } = request
      const isForeign = resourceAccount !== principal.accountId
      const owner = isForeign ? `"owner":"${resourceAccount}",` : ''
      const misses = nearMisses === undefined ? '' : `"nearMisses":${JSON.stringify(nearMisses)},`
      const lacks = missing === undefined ? '' : `"missing":${JSON.stringify(missing)},`
      return `{"action":"${action}","resource":${JSON.stringify(resourceArn)},${owner}${lacks}${misses}${this.#reasons(decision)}`
    })
    return `[${entries.join(',')}]`
  }

  /** The members behind those of the request, with the closing brace. */
  #reasons(decision: Decision): string {
    let text = this.#texts.get(decision)
    if (text === undefined) {
      text = JSON.stringify(reasonsOf(decision)).slice(1)
      this.#texts.set(decision, text)
    }
    return text
  }
}
