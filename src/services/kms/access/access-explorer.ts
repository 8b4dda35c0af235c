import { OperatorError } from '../../../core/errors.ts'
import type {
  SimulateRequest,
  Simulation,
  WhoCan,
  WhoCanRequest,
} from '../../../core/explanations.ts'
import { type AccountId, parseAccountId } from '../../../core/ids.ts'
import { isGone } from '../../../core/key.ts'
import type { Clock } from '../../../core/ports.ts'
import type { RecordStore } from '../../../core/records.ts'
import { KEYS } from '../../../core/tables.ts'
import { PrincipalPolicySource } from '../../../identity/principal-policies.ts'
import { CompiledKeyPolicies } from '../authorization/compiled-key-policies.ts'
import { type ResolvedKey, resolvedKey } from '../keys/key-resolver.ts'
import { findNamedKey, getAccount } from './find-key.ts'
import { KeyWorld, type PolicySources } from './key-world.ts'
import { RecordOverlay } from './record-overlay.ts'
import { simulate } from './simulate.ts'
import { whoCan } from './who-can.ts'

/** Keys that one simulation of an account looks at. */
const KEYS_MAX = 100

/** Whose key it is that is asked about, and how far the asker may look. */
export interface Asker {
  /** The key that was named, where its finder had to be asked whether it may be. */
  readonly target: ResolvedKey
  /** Whether identities of other accounts than the key's may be looked into. */
  readonly seesAll: boolean
}

/** Answers who may do what to keys: for operators, who see all, and for those who may read a key's policy. */
export class AccessExplorer {
  readonly #records: RecordStore
  readonly #clock: Clock
  readonly #sources: PolicySources

  constructor(records: RecordStore, clock: Clock) {
    this.#records = records
    this.#clock = clock
    this.#sources = {
      principals: new PrincipalPolicySource(records),
      keyPolicies: new CompiledKeyPolicies(),
    }
  }

  /** As an operator asks. @throws OperatorError */
  async whoCan(request: WhoCanRequest): Promise<WhoCan> {
    const target = await findNamedKey(this.#records, request, this.#clock.now())
    return this.whoCanOn({ target, seesAll: true }, request)
  }

  /** @throws OperatorError */
  async whoCanOn({ target, seesAll }: Asker, request: WhoCanRequest): Promise<WhoCan> {
    return whoCan(await this.#world(target), request, seesAll)
  }

  /** As an operator asks. @throws OperatorError */
  async simulate(request: SimulateRequest): Promise<Simulation> {
    const targets = await this.#targets(request)
    const [first] = targets
    if (first === undefined) throw new OperatorError('the account has no keys')
    const accountId =
      request.accountId === undefined ? first.key.accountId : getAccount(request.accountId)
    return this.#simulate(targets, request, { accountId, seesAll: true })
  }

  /** As who may read the policy of a key asks. @throws OperatorError */
  simulateOn({ target, seesAll }: Asker, request: SimulateRequest): Promise<Simulation> {
    return this.#simulate([target], request, { accountId: target.key.accountId, seesAll })
  }

  #simulate(
    targets: readonly ResolvedKey[],
    request: SimulateRequest,
    about: { readonly accountId: AccountId; readonly seesAll: boolean },
  ): Promise<Simulation> {
    const scope = {
      records: this.#records,
      sources: this.#sources,
      targets,
      time: this.#clock.now(),
      ...about,
    }
    return simulate(scope, request)
  }

  /** Through an overlay, so that what is read of thousands of principals pushes nothing out of caches. */
  #world(target: ResolvedKey): Promise<KeyWorld> {
    return KeyWorld.open(target, new RecordOverlay(this.#records), this.#sources)
  }

  async #targets({ key, accountId, region }: SimulateRequest): Promise<readonly ResolvedKey[]> {
    const time = this.#clock.now()
    if (key !== undefined) {
      return [await findNamedKey(this.#records, { key, accountId, region }, time)]
    }
    const owner = accountId === undefined ? undefined : parseAccountId(accountId)
    if (owner === undefined) {
      throw new OperatorError('which key, or the keys of which account?', 'name it')
    }
    const equals = region === undefined ? [owner] : [owner, region]
    const page = await this.#records.page(KEYS, {
      index: 'by_account',
      equals,
      limit: KEYS_MAX + 1,
    })
    if (page.length > KEYS_MAX) {
      throw new OperatorError(
        `the account has more than ${KEYS_MAX} keys`,
        'name one with --key, or a Region with --region',
      )
    }
    return page
      .filter(({ record }) => !isGone(record, time))
      .map((stored) => resolvedKey(stored, time))
  }
}
