import type {
  AccessRequest,
  ConditionContext,
  ConditionValue,
} from '../../../authz/access-request.ts'
import { decideOnKey } from '../../../authz/decide.ts'
import { missingLayers } from '../../../authz/missing-layers.ts'
import { nearMisses } from '../../../authz/near-misses.ts'
import { OperatorError } from '../../../core/errors.ts'
import type { ExplainedDecision, Question } from '../../../core/explanations.ts'
import { parseIdentityArn } from '../../../core/identity-arns.ts'
import { ROLES, USERS } from '../../../core/identity-tables.ts'
import type { Instant } from '../../../core/ids.ts'
import { partitionOf } from '../../../core/regions.ts'
import { namedPrincipal } from '../../../identity/principal-ids.ts'
import { CROSS_ACCOUNT } from '../authorization/key-permission.ts'
import { serviceSubject } from './individuals.ts'
import type { KeyContext } from './key-context.ts'
import type { KeyWorld } from './key-world.ts'
import { roleSubject, rootSubject, type Subject, userSubject } from './subject.ts'
import { getKeyOperation } from './who-can.ts'

const nobody = (): OperatorError =>
  new OperatorError(
    'there is no such principal',
    'name it by its ARN, a root by its account id, a service by its name',
  )

const SERVICE = /^[a-z0-9.-]{1,100}\.amazonaws\.com(\.cn)?$/

/** The principal that a question names. @throws OperatorError where there is none */
async function subjectOf({ records, target }: KeyWorld, principal: string): Promise<Subject> {
  const { key } = target
  const partition = partitionOf(key.region)
  if (SERVICE.test(principal)) return serviceSubject(principal, key)
  const ref = parseIdentityArn(principal, partition)
  const home = ref?.accountId ?? key.accountId
  const named = await namedPrincipal(records, principal, { partition, home })
  if (named?.kind === 'account') return rootSubject(partition, named.accountId)
  if (named?.kind !== 'bound') throw nobody()
  const [unique = '', session] = named.id.split(':')
  const user = (await records.find(USERS, [unique]))?.record
  if (user !== undefined) return userSubject(partition, user)
  const role = (await records.find(ROLES, [unique]))?.record
  if (role === undefined) throw nobody()
  return roleSubject(partition, role, session)
}

/** The condition keys of a question: those that are given, those of its principal and key, and the time. */
function contextOf(known: KeyContext, question: Question, time: Instant): ConditionContext {
  const given = new Map<string, ConditionValue>([
    ['aws:currenttime', `${new Date(time).toISOString().slice(0, 19)}Z`],
    ['aws:epochtime', String(Math.floor(time / 1000))],
  ])
  const pairs = Object.entries(question.encryptionContext ?? {})
  for (const [name, value] of pairs) given.set(`kms:encryptioncontext:${name.toLowerCase()}`, value)
  if (pairs.length > 0) {
    given.set(
      'kms:encryptioncontextkeys',
      pairs.map(([name]) => name),
    )
  }
  for (const [key, value] of Object.entries(question.context ?? {})) {
    given.set(key.toLowerCase(), value)
  }
  return { get: (key) => given.get(key) ?? known.get(key) }
}

/**
 * Decides a request that nobody has made, by the evaluator that decides those that are.
 * @throws OperatorError for what is no action and no principal, or one that the asker may not look into
 */
export async function answer(
  world: KeyWorld,
  question: Question,
  { time, seesAll }: { readonly time: Instant; readonly seesAll: boolean },
): Promise<ExplainedDecision> {
  const operation = getKeyOperation(question.action)
  const subject = await subjectOf(world, question.principal)
  const home = world.target.key.accountId
  if (!seesAll && (subject.accountId ?? home) !== home) throw nobody()
  const policies = await world.policiesOf(subject)
  const { key, arn } = world.target
  const request: AccessRequest = {
    action: `kms:${operation}`,
    principal: subject.principal,
    resourceArn: arn,
    resourceAccount: key.accountId,
    context: contextOf(world.context(subject, operation), question, time),
  }
  const access = {
    policy: world.policy,
    operation,
    isCrossAccount: CROSS_ACCOUNT.has(operation),
    encryptionContext: question.encryptionContext,
    grants: world.grants.grantsFor(subject.principal),
  }
  const decision = decideOnKey(request, policies, access)
  const told = { action: request.action, resource: arn, statements: decision.grounds }
  if (decision.allowed) {
    const grants = (decision.grants ?? []).map(({ grantId, name }) => ({ grantId, name }))
    return { ...told, allowed: true, path: decision.path, grants, nearMisses: [] }
  }
  const { denial } = decision
  if (denial.isExplicit) return { ...told, allowed: false, denial, grants: [], nearMisses: [] }
  const missing = missingLayers(request, policies, world.policy)
  const missed = nearMisses(request, policies, { access })
  return { ...told, allowed: false, denial, missing, grants: [], nearMisses: missed }
}
