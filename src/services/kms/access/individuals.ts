import { parseIdentityArn } from '../../../core/identity-arns.ts'
import { ROLES, USERS } from '../../../core/identity-tables.ts'
import { type AccountId, parseAccountId, type Region } from '../../../core/ids.ts'
import type { Key } from '../../../core/key.ts'
import type { Principal } from '../../../core/principal.ts'
import { type Partition, partitionOf } from '../../../core/regions.ts'
import { findRole } from '../../../identity/principal-ids.ts'
import {
  dnsName,
  regionalServiceName,
  serviceOfInfrastructure,
} from '../../../pipeline/service-callers.ts'
import {
  ANY_SESSION,
  isListed,
  isOpen,
  roleSubject,
  type Subject,
  type SubjectScope,
  userSubject,
} from './subject.ts'

const SERVICE_NAME = /^([a-z0-9-]+)\.(?:([a-z0-9-]+)\.)?amazonaws\.com$/

/** All names of a service that has one of them and acts in a Region. */
function namesOfService(name: string, region: Region): readonly string[] {
  const [, service, place = region] = SERVICE_NAME.exec(name) ?? []
  return service === undefined || place !== region
    ? [name]
    : [dnsName(service), regionalServiceName(service, region)]
}

/** A service principal, on behalf of anybody. */
export const serviceSubject = (
  name: string,
  { accountId, region }: Pick<Key, 'accountId' | 'region'>,
): Subject => ({
  kind: 'service',
  name,
  principal: {
    type: 'Service',
    accountId,
    partition: partitionOf(region),
    arn: name,
    principalArn: name,
    uniqueId: name,
    userId: name,
    tags: {},
    serviceNames: namesOfService(name, region),
  },
  position: `mentioned/${name}`,
})

/** A principal that is known by nothing but its ARN. */
function namedByArn(
  arn: string,
  { partition, accountId }: { readonly partition: Partition; readonly accountId: AccountId },
  type: Principal['type'],
  principalArn = arn,
): Principal {
  const session = type === 'User' ? undefined : ANY_SESSION
  const base = { type, accountId, partition, arn, principalArn, tags: {} }
  return { ...base, uniqueId: arn, userId: arn, ...(session && { session }) }
}

/** The session of a role, or a user or role of an account that is not listed. */
async function byId(id: string, scope: SubjectScope): Promise<Subject | undefined> {
  const { records, partition } = scope
  const [unique = '', session] = id.split(':')
  if (unique.startsWith('AIDA')) {
    const user = (await records.find(USERS, [unique]))?.record
    return user && alone(userSubject(partition, user), user.accountId, scope)
  }
  const role = (await records.find(ROLES, [unique]))?.record
  if (role === undefined) return undefined
  const subject = roleSubject(partition, role, session)
  if (session === undefined) return alone(subject, role.accountId, scope)
  return (await isOpen(scope, role.accountId)) ? subject : hidden(subject)
}

/** The subject where no listing has it. */
async function alone(
  subject: Subject,
  accountId: AccountId,
  scope: SubjectScope,
): Promise<Subject | undefined> {
  if (await isListed(scope, accountId)) return undefined
  if (!(await isOpen(scope, accountId))) return hidden(subject)
  return { ...subject, position: `mentioned/${subject.name}` }
}

/** Tags and policies of a principal that is not looked into are its account's matter. */
const hidden = (subject: Subject): Subject => ({
  ...subject,
  isHidden: true,
  bringsTags: true,
  position: `mentioned/${subject.name}`,
})

/** A part of a service's infrastructure. */
function infrastructure(arn: string, { partition }: SubjectScope): Subject | undefined {
  const accountId = parseAccountId(arn.split(':')[4] ?? '')
  if (accountId === undefined) return undefined
  const role = `arn:${partition}:iam::${accountId}:role/${arn.split('/')[1] ?? ''}`
  const principal = namedByArn(arn, { partition, accountId }, 'AssumedRole', role)
  return {
    kind: 'service',
    name: arn,
    accountId,
    principal: { ...principal, isInfrastructure: true },
    // Its id is not told by its ARN.
    isAnySession: true,
    position: `mentioned/${arn}`,
  }
}

async function byArn(arn: string, scope: SubjectScope): Promise<Subject | undefined> {
  if (serviceOfInfrastructure(arn) !== undefined) return infrastructure(arn, scope)
  const { partition, records } = scope
  const ref = parseIdentityArn(arn, partition)
  if (ref === undefined) return undefined
  const { accountId } = ref
  const place = { partition, accountId }
  const position = `mentioned/${arn}`
  // What its session brings along is not known.
  const told = { name: arn, accountId, bringsTags: true, position }
  if (ref.kind === 'federated-user') {
    const principal = namedByArn(arn, place, 'FederatedUser')
    // In its own account a session has what names it; what its issuer was allowed is not known.
    const isForeign = accountId !== scope.home && ({ isHidden: true } as const)
    return { ...told, kind: 'federated-user', principal, ...isForeign }
  }
  if (await isOpen(scope, accountId)) {
    if (ref.kind !== 'role-session') return undefined
    const role = (await findRole(records, accountId, ref.roleName))?.record
    return role && roleSubject(partition, role, ref.session)
  }
  const unseen = { ...told, isHidden: true } as const
  if (ref.kind === 'role-session') {
    return { ...unseen, kind: 'role-session', principal: namedByArn(arn, place, 'AssumedRole') }
  }
  if (ref.kind === 'user') {
    return { ...unseen, kind: 'user', principal: namedByArn(arn, place, 'User') }
  }
  if (ref.kind !== 'role') return undefined
  const session = `arn:${partition}:sts::${accountId}:assumed-role/${ref.name}/*`
  const principal = namedByArn(session, place, 'AssumedRole', arn)
  return { ...unseen, kind: 'role', isAnySession: true, principal }
}

/** Principals that key policy or grants name one by one, and that no listing of an account has. */
export async function* individuals(scope: SubjectScope): AsyncGenerator<Subject> {
  for (const id of scope.mentions.ids) {
    const subject = await byId(id, scope)
    if (subject !== undefined) yield subject
  }
  for (const arn of scope.mentions.arns) {
    const subject = await byArn(arn, scope)
    if (subject !== undefined) yield subject
  }
}
