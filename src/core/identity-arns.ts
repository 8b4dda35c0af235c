import { parseArn } from './arn.ts'
import type { Group, InstanceProfile, ManagedPolicy, OidcProvider, Role, User } from './identity.ts'
import type { AccountId } from './ids.ts'
import type { Partition } from './regions.ts'

interface Named {
  readonly accountId: AccountId
  readonly path: string
  readonly name: string
}

const iamArn = (partition: Partition, kind: string, { accountId, path, name }: Named): string =>
  `arn:${partition}:iam::${accountId}:${kind}${path}${name}`

/** `arn:aws:iam::111122223333:user/team/alice` */
export const userArn = (partition: Partition, user: Pick<User, keyof Named>): string =>
  iamArn(partition, 'user', user)

/** `arn:aws:iam::111122223333:role/team/reader` */
export const roleArn = (partition: Partition, role: Pick<Role, keyof Named>): string =>
  iamArn(partition, 'role', role)

/** `arn:aws:iam::111122223333:group/team/staff` */
export const groupArn = (partition: Partition, group: Pick<Group, keyof Named>): string =>
  iamArn(partition, 'group', group)

/** `arn:aws:iam::111122223333:policy/team/read` */
export const policyArn = (partition: Partition, policy: Pick<ManagedPolicy, keyof Named>): string =>
  iamArn(partition, 'policy', policy)

/** `arn:aws:iam::111122223333:instance-profile/team/web` */
export const instanceProfileArn = (
  partition: Partition,
  profile: Pick<InstanceProfile, keyof Named>,
): string => iamArn(partition, 'instance-profile', profile)

/** `arn:aws:iam::111122223333:oidc-provider/token.example.com/tenant` */
export const oidcProviderArn = (
  partition: Partition,
  { accountId, url }: Pick<OidcProvider, 'accountId' | 'url'>,
): string => `arn:${partition}:iam::${accountId}:oidc-provider/${url}`

/** `arn:aws:sts::111122223333:assumed-role/reader/session`: without the path of the role. */
export const roleSessionArn = (
  partition: Partition,
  role: Pick<Role, 'accountId' | 'name'>,
  session: string,
): string => `arn:${partition}:sts::${role.accountId}:assumed-role/${role.name}/${session}`

/** `arn:aws:sts::111122223333:federated-user/bob` */
export const federatedUserArn = (
  partition: Partition,
  accountId: AccountId,
  name: string,
): string => `arn:${partition}:sts::${accountId}:federated-user/${name}`

/** What an ARN of IAM or STS names. */
export type IdentityRef =
  | { readonly kind: 'root'; readonly accountId: AccountId }
  | ({ readonly kind: 'user' | 'role' | 'group'; readonly accountId: AccountId } & NameAndPath)
  | ({ readonly kind: 'policy' | 'instance-profile'; readonly accountId: AccountId } & NameAndPath)
  | { readonly kind: 'oidc-provider'; readonly accountId: AccountId; readonly url: string }
  | {
      readonly kind: 'role-session'
      readonly accountId: AccountId
      readonly roleName: string
      readonly session: string
    }
  | { readonly kind: 'federated-user'; readonly accountId: AccountId; readonly name: string }

interface NameAndPath {
  readonly name: string
  readonly path: string
}

/** Kind, path and name behind the account. Source: IAM User Guide, IAM identifiers. */
const IAM_RESOURCE =
  /^(user|role|group|policy|instance-profile)(\/(?:[\x21-\x2e\x30-\x7e]{1,510}\/)*)([\w+=,.@-]{1,128})$/
const ROLE_SESSION = /^assumed-role\/([\w+=,.@-]{1,64})\/([\w+=,.@-]{2,64})$/
const FEDERATED_USER = /^federated-user\/([\w+=,.@:-]{2,193})$/
const OIDC_PROVIDER = /^oidc-provider\/([\x21-\x7e]{1,255})$/
const NAMED_KINDS = ['user', 'role', 'group', 'policy', 'instance-profile'] as const

/** The identity that a text names in a partition, by its form alone. */
export function parseIdentityArn(text: string, partition: Partition): IdentityRef | undefined {
  const arn = parseArn(text)
  if (arn === undefined || arn.partition !== partition || arn.region !== '') return undefined
  const { accountId, resource } = arn
  if (arn.service === 'iam') return parseIamResource(accountId, resource)
  if (arn.service !== 'sts') return undefined
  const [, roleName, session] = ROLE_SESSION.exec(resource) ?? []
  if (roleName !== undefined && session !== undefined) {
    return { kind: 'role-session', accountId, roleName, session }
  }
  const [, name] = FEDERATED_USER.exec(resource) ?? []
  return name === undefined ? undefined : { kind: 'federated-user', accountId, name }
}

function parseIamResource(accountId: AccountId, resource: string): IdentityRef | undefined {
  if (resource === 'root') return { kind: 'root', accountId }
  const [, url] = OIDC_PROVIDER.exec(resource) ?? []
  if (url !== undefined) return { kind: 'oidc-provider', accountId, url }
  const [, named, path, name] = IAM_RESOURCE.exec(resource) ?? []
  const kind = NAMED_KINDS.find((known) => known === named)
  return kind === undefined || path === undefined || name === undefined
    ? undefined
    : { kind, accountId, path, name }
}
