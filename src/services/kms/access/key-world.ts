import { compilePolicy } from '../../../authz/compiled-policy.ts'
import type { NamedPolicy, PrincipalPolicies } from '../../../authz/policies.ts'
import { NO_POLICIES } from '../../../authz/policies.ts'
import { reachOnKey } from '../../../authz/reach.ts'
import type { Access, Reach } from '../../../core/explanations.ts'
import type { Records } from '../../../core/records.ts'
import { partitionOf } from '../../../core/regions.ts'
import { ALIASES } from '../../../core/tables.ts'
import type { PrincipalPolicySource } from '../../../identity/principal-policies.ts'
import type { CompiledKeyPolicies } from '../authorization/compiled-key-policies.ts'
import { CROSS_ACCOUNT } from '../authorization/key-permission.ts'
import { ALIASES_PER_KEY_MAX } from '../keys/aliases.ts'
import type { ResolvedKey } from '../keys/key-resolver.ts'
import { GrantBook } from './grant-book.ts'
import { KeyContext } from './key-context.ts'
import { type Mentions, mentionsOf } from './mentions.ts'
import type { Subject, SubjectScope } from './subject.ts'

/** What knows the policies of principals and keys. */
export interface PolicySources {
  readonly principals: PrincipalPolicySource
  readonly keyPolicies: CompiledKeyPolicies
}

const UNSEEN = 'policies of another account'

/** Of a principal that is not looked into: its own account may let it do anything. */
const MAY_BE_ALLOWED: PrincipalPolicies = {
  identity: [
    {
      layer: 'identity-policy',
      name: UNSEEN,
      policy: compilePolicy(
        '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}',
      ),
    },
  ],
}

/** What is certain of the key is not certain of those whose account must allow as well. */
function withoutUnseen({ outcome, ways, denies }: Reach): Reach {
  return {
    outcome: outcome === 'never' ? 'never' : 'conditional',
    ways: ways.map((way) => ({
      ...way,
      requires: way.requires.filter(([first]) => first?.statement.policy !== UNSEEN),
    })),
    denies,
  }
}

/** Everything that decides about one key, as one state of the records has it. */
export class KeyWorld {
  readonly records: Records
  readonly target: ResolvedKey
  readonly policy: NamedPolicy
  readonly grants: GrantBook
  readonly #aliases: readonly string[]
  readonly #sources: PolicySources

  private constructor(
    facts: Pick<KeyWorld, 'records' | 'target' | 'policy' | 'grants'>,
    aliases: readonly string[],
    sources: PolicySources,
  ) {
    this.records = facts.records
    this.target = facts.target
    this.policy = facts.policy
    this.grants = facts.grants
    this.#aliases = aliases
    this.#sources = sources
  }

  /** @param records not the store itself, which would hold what is read of thousands of principals */
  static async open(
    target: ResolvedKey,
    records: Records,
    sources: PolicySources,
  ): Promise<KeyWorld> {
    const { key } = target
    const policy = await sources.keyPolicies.of(key, records)
    const grants = await GrantBook.read(key, records)
    const aliases = await records.page(ALIASES, {
      index: 'by_target',
      equals: [key.accountId, key.region, key.keyId],
      limit: ALIASES_PER_KEY_MAX,
    })
    const names = aliases.map(({ record }) => record.name)
    return new KeyWorld({ records, target, policy, grants }, names, sources)
  }

  mentions(operations: readonly string[]): Mentions {
    return mentionsOf([this.policy], this.grants, operations)
  }

  scope(mentions: Mentions, seesAll: boolean): SubjectScope {
    const { accountId: home, region } = this.target.key
    const partition = partitionOf(region)
    return { records: this.records, partition, region, home, mentions, seesAll }
  }

  context(subject: Subject, operation: string): KeyContext {
    return new KeyContext(subject, { key: this.target.key, aliases: this.#aliases, operation })
  }

  async policiesOf({ principal, isHidden }: Subject): Promise<PrincipalPolicies> {
    if (isHidden === true) return MAY_BE_ALLOWED
    if (principal.type === 'Service' || principal.isInfrastructure === true) return NO_POLICIES
    return this.#sources.principals.policiesOf(principal, this.records)
  }

  /** What a subject may do to the key. */
  access(subject: Subject, policies: PrincipalPolicies, operation: string): Access {
    const { principal, isHidden, name, kind, accountId } = subject
    const { key, arn } = this.target
    const reach = reachOnKey(
      {
        action: `kms:${operation}`,
        principal,
        resourceArn: arn,
        resourceAccount: key.accountId,
        context: this.context(subject, operation),
      },
      policies,
      {
        policy: this.policy,
        operation,
        isCrossAccount: CROSS_ACCOUNT.has(operation),
        grants: this.grants.grantsFor(principal),
      },
    )
    const told = { principal: name, kind, ...(accountId !== undefined && { accountId }) }
    return isHidden === true
      ? { ...told, ...withoutUnseen(reach), dependsOnAccount: true }
      : { ...told, ...reach }
  }
}
