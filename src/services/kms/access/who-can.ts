import { OperatorError } from '../../../core/errors.ts'
import type { Access, WhoCan, WhoCanRequest } from '../../../core/explanations.ts'
import { ROLES } from '../../../core/identity-tables.ts'
import { partitionOf } from '../../../core/regions.ts'
import { findKeyOperation } from './key-actions.ts'
import type { KeyWorld } from './key-world.ts'
import { roleSubject, type Subject } from './subject.ts'
import { subjectsOf } from './subjects.ts'
import { takingTurns } from './taking-turns.ts'

const LIMIT_DEFAULT = 1000
const LIMIT_MAX = 10_000
/** Principals that one page looks at: an account of many who may not must not take forever. */
const EXAMINED_MAX = 20_000

/** The operation that a request names. @throws OperatorError */
export function getKeyOperation(action: unknown): string {
  const operation = typeof action === 'string' ? findKeyOperation(action) : undefined
  if (operation !== undefined) return operation
  throw new OperatorError(
    'that is no action on a KMS key',
    'name one such as kms:Decrypt; re-encryption is kms:ReEncryptFrom and kms:ReEncryptTo',
  )
}

/** How many accesses a page has. @throws OperatorError */
function limitOf({ limit = LIMIT_DEFAULT }: Pick<WhoCanRequest, 'limit'>): number {
  if (Number.isInteger(limit) && limit >= 1 && limit <= LIMIT_MAX) return limit
  throw new OperatorError(`the limit is a whole number from 1 to ${LIMIT_MAX}`)
}

/** A session that is named itself is told of only where that makes a difference. */
const isTold = (access: Access, ofRole: Access | undefined): boolean =>
  access.outcome !== 'never' &&
  (ofRole === undefined || JSON.stringify(ofRole.ways) !== JSON.stringify(access.ways))

/** The role of a session that is named itself. */
async function roleOf(
  { records, target }: KeyWorld,
  { kind, principal, isHidden }: Subject,
): Promise<Subject | undefined> {
  if (kind !== 'role-session' || isHidden === true) return undefined
  const role = (await records.find(ROLES, [principal.uniqueId]))?.record
  return role && roleSubject(partitionOf(target.key.region), role)
}

/**
 * Everybody who may do something to a key, and by which ways.
 * @param seesAll whether identities of other accounts are looked into, as an operator may
 * @throws OperatorError for an action, a limit or a place that is none
 */
export async function whoCan(
  world: KeyWorld,
  request: Pick<WhoCanRequest, 'action' | 'limit' | 'after'>,
  seesAll: boolean,
): Promise<WhoCan> {
  const operation = getKeyOperation(request.action)
  const limit = limitOf(request)
  const accessOf = async (subject: Subject): Promise<Access> =>
    world.access(subject, await world.policiesOf(subject), operation)
  const scope = world.scope(world.mentions([operation]), seesAll)
  const accesses: Access[] = []
  let examined = 0
  let next: string | undefined
  for await (const subject of takingTurns(subjectsOf(scope, request.after))) {
    if (accesses.length >= limit || examined >= EXAMINED_MAX) break
    examined += 1
    next = subject.position
    const access = await accessOf(subject)
    const role = await roleOf(world, subject)
    if (isTold(access, role && (await accessOf(role)))) accesses.push(access)
  }
  const isPartial = accesses.length >= limit || examined >= EXAMINED_MAX
  return {
    action: `kms:${operation}`,
    keyArn: world.target.arn,
    accesses,
    examined,
    ...(isPartial && next !== undefined && { next }),
  }
}
