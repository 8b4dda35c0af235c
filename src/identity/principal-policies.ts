import { type CompiledPolicy, compilePolicy, EMPTY_POLICY } from '../authz/compiled-policy.ts'
import type { PolicyLayer } from '../authz/decision.ts'
import { type NamedPolicy, NO_POLICIES, type PrincipalPolicies } from '../authz/policies.ts'
import { unreachable } from '../core/assert.ts'
import type { PolicyHolder } from '../core/identity.ts'
import {
  GROUPS,
  MANAGED_POLICIES,
  ROLES,
  SERVICE_CONTROLS,
  USERS,
} from '../core/identity-tables.ts'
import type { Principal } from '../core/principal.ts'
import type { RecordStore, Records } from '../core/records.ts'
import { inAnyPartition } from './any-partition.ts'
import { findManagedPolicy } from './managed-policies.ts'

/** Tables whose records decide what principals may do. */
const DECISIVE: ReadonlySet<string> = new Set(
  [USERS, ROLES, GROUPS, MANAGED_POLICIES, SERVICE_CONTROLS].map(({ schema }) => schema.name),
)
/** Principals whose policies are held; above that all are forgotten and loaded again as they call. */
const HELD_MAX = 10_000

/** What belongs to the identity itself, whatever session it acts in. */
type BasePolicies = Omit<PrincipalPolicies, 'session'>

/** What a federated user has of the root that asked for its session. */
const EVERYTHING: NamedPolicy = {
  layer: 'identity-policy',
  name: 'root',
  policy: compilePolicy(
    '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}',
  ),
}

/** Compiles each text of a record once, for as long as the record lives. */
class CompiledTexts {
  readonly #read: (text: string) => string
  readonly #byOwner = new WeakMap<object, Map<string, CompiledPolicy>>()

  /** @param read what is compiled of a text */
  constructor(read: (text: string) => string) {
    this.#read = read
  }

  compiled(owner: object, text: string): CompiledPolicy {
    let texts = this.#byOwner.get(owner)
    if (texts === undefined) {
      texts = new Map()
      this.#byOwner.set(owner, texts)
    }
    let policy = texts.get(text)
    if (policy === undefined) {
      policy = compilePolicy(this.#read(text))
      texts.set(text, policy)
    }
    return policy
  }
}

/**
 * The policies that decide what a principal may do, loaded once and held until any identity changes:
 * a commit that touches one is followed by no decision under the old policies.
 */
export class PrincipalPolicySource {
  readonly #records: RecordStore
  readonly #texts = new CompiledTexts((text) => text)
  readonly #controls = new CompiledTexts(inAnyPartition)
  #bySubject = new Map<string, BasePolicies>()
  #byPrincipal = new WeakMap<Principal, PrincipalPolicies>()
  /** Grows with every change of an identity. */
  #generation = 0

  constructor(records: RecordStore) {
    this.#records = records
    records.onCommit((news) => {
      if (news === 'everything' || news.some(({ table }) => DECISIVE.has(table))) this.#forget()
    })
  }

  /**
   * The policies as `records` has them: without a promise where they are at hand, and then the same object
   * for as long as they are the same. A transaction sees its own changes, and nothing of it is held.
   */
  policiesOf(
    principal: Principal,
    records: Records,
  ): PrincipalPolicies | Promise<PrincipalPolicies> {
    if (principal.isVisitor === true) return NO_POLICIES
    if (records !== this.#records) return this.#read(principal, records, undefined)
    return this.#byPrincipal.get(principal) ?? this.#load(principal)
  }

  async #load(principal: Principal): Promise<PrincipalPolicies> {
    const generation = this.#generation
    const held = this.#bySubject.get(subjectOf(principal))
    const policies = await this.#read(principal, this.#records, held)
    if (generation === this.#generation) this.#hold(principal, policies)
    return policies
  }

  #forget(): void {
    this.#generation++
    this.#bySubject = new Map()
    this.#byPrincipal = new WeakMap()
  }

  #hold(principal: Principal, policies: PrincipalPolicies): void {
    this.#byPrincipal.set(principal, policies)
    if (this.#bySubject.size >= HELD_MAX) this.#bySubject = new Map()
    const { session: _, ...base } = policies
    this.#bySubject.set(subjectOf(principal), base)
  }

  async #read(
    principal: Principal,
    records: Records,
    held: BasePolicies | undefined,
  ): Promise<PrincipalPolicies> {
    const base = held ?? (await this.#readBase(principal, records))
    const session = await this.#sessionPolicies(principal, records)
    return session === undefined ? base : { ...base, session }
  }

  async #readBase(principal: Principal, records: Records): Promise<BasePolicies> {
    const [own, control] = [
      await this.#ownPolicies(principal, records),
      await records.find(SERVICE_CONTROLS, [principal.accountId]),
    ]
    const isService = principal.type === 'Service' || principal.isInfrastructure === true
    // Source: AWS Organizations User Guide, SCPs: they do not affect what services do in their own roles.
    if (control === undefined || isService) return own
    const policy = this.#controls.compiled(control.record, control.record.text)
    const name = `service control policy of ${principal.accountId}`
    return { ...own, serviceControl: [{ layer: 'service-control-policy', name, policy }] }
  }

  /** Identity policies and boundary. A root has none, a service neither. */
  #ownPolicies(principal: Principal, records: Records): Promise<BasePolicies> {
    switch (principal.type) {
      case 'User':
        return this.#userPolicies(principal.uniqueId, records)
      case 'AssumedRole':
        return this.#rolePolicies(principal.uniqueId, records)
      case 'FederatedUser':
        return isOfRoot(principal)
          ? Promise.resolve({ identity: [EVERYTHING] })
          : this.#userPolicies(principal.session?.issuerId ?? '', records)
      case 'Account':
      case 'Service':
        return Promise.resolve({ identity: [] })
      default:
        return unreachable(principal.type)
    }
  }

  async #userPolicies(userId: string, records: Records): Promise<BasePolicies> {
    const user = (await records.find(USERS, [userId]))?.record
    if (user === undefined) return { identity: [] }
    const identity = await this.#holderPolicies(user, `user/${user.name}`, records)
    for (const groupId of user.groupIds) {
      const group = (await records.find(GROUPS, [groupId]))?.record
      if (group === undefined) continue
      identity.push(...(await this.#holderPolicies(group, `group/${group.name}`, records)))
    }
    return this.#withBoundary(identity, user.boundaryArn, records)
  }

  async #rolePolicies(roleId: string, records: Records): Promise<BasePolicies> {
    const role = (await records.find(ROLES, [roleId]))?.record
    if (role === undefined) return { identity: [] }
    const identity = await this.#holderPolicies(role, `role/${role.name}`, records)
    return this.#withBoundary(identity, role.boundaryArn, records)
  }

  async #holderPolicies(
    holder: PolicyHolder,
    label: string,
    records: Records,
  ): Promise<NamedPolicy[]> {
    const policies = Object.entries(holder.inlinePolicies).map(
      ([name, text]): NamedPolicy => ({
        layer: 'identity-policy',
        name: `${label} inline policy ${name}`,
        policy: this.#texts.compiled(holder, text),
      }),
    )
    for (const arn of holder.attachedPolicyArns) {
      policies.push(await this.#managed(arn, 'identity-policy', records))
    }
    return policies
  }

  async #withBoundary(
    identity: readonly NamedPolicy[],
    arn: string | undefined,
    records: Records,
  ): Promise<BasePolicies> {
    if (arn === undefined) return { identity }
    return { identity, boundary: await this.#managed(arn, 'permissions-boundary', records) }
  }

  /** Undefined where no session policy was passed. A federated user has only what was passed. */
  async #sessionPolicies(
    { session, type }: Principal,
    records: Records,
  ): Promise<readonly NamedPolicy[] | undefined> {
    const passed: NamedPolicy[] = []
    if (session?.policy !== undefined) {
      const policy = this.#texts.compiled(session, session.policy)
      passed.push({ layer: 'session-policy', name: 'session policy', policy })
    }
    for (const arn of session?.policyArns ?? []) {
      passed.push(await this.#managed(arn, 'session-policy', records))
    }
    return passed.length === 0 && type !== 'FederatedUser' ? undefined : passed
  }

  async #managed(arn: string, layer: PolicyLayer, records: Records): Promise<NamedPolicy> {
    const found = await findManagedPolicy(records, arn)
    // One that is referred to and not there allows nothing.
    const policy =
      found === undefined ? EMPTY_POLICY : this.#texts.compiled(found.owner, found.text)
    return { layer, name: arn, policy }
  }
}

/** Whose policies a principal has: sessions of one role share them, and their session policies come on top. */
const subjectOf = (principal: Principal): string => {
  const { type, uniqueId, accountId, session } = principal
  if (type !== 'FederatedUser') return `${accountId}/${uniqueId}`
  return isOfRoot(principal) ? `${accountId}/root` : `${accountId}/${session?.issuerId ?? ''}`
}

/** Whether a federated user is one of the account's root, whom nothing limits but what it passed. */
const isOfRoot = ({ accountId, session }: Principal): boolean => session?.issuerId === accountId
