import assert from 'node:assert/strict'
import type { AccountId } from '../../src/core/ids.ts'
import { instant, parseAccountId } from '../../src/core/ids.ts'
import type { Principal, SessionFacts } from '../../src/core/principal.ts'
import { rootPrincipal } from '../../src/core/principal.ts'

const accountOf = (digits: string): AccountId => parseAccountId(digits) ?? assert.fail(digits)

/** The account of the key, and the other one. */
export const OWNER = accountOf('111122223333')
export const OTHER = accountOf('444455556666')

const SESSION: SessionFacts = {
  issuedAt: instant(Date.UTC(2026, 0, 1)),
  expiresAt: instant(Date.UTC(2026, 0, 2)),
  tags: {},
  transitiveTagKeys: [],
  policyArns: [],
}

const user = (accountId: AccountId, name: string, id: string): Principal => {
  const arn = `arn:aws:iam::${accountId}:user/${name}`
  return {
    type: 'User',
    accountId,
    partition: 'aws',
    arn,
    principalArn: arn,
    uniqueId: id,
    userId: id,
    userName: name.split('/').at(-1),
    tags: {},
  }
}

const roleSession = (
  accountId: AccountId,
  role: string,
  { id, name, provider }: { id: string; name: string; provider?: string },
): Principal => ({
  type: 'AssumedRole',
  accountId,
  partition: 'aws',
  arn: `arn:aws:sts::${accountId}:assumed-role/${role.split('/').at(-1)}/${name}`,
  principalArn: `arn:aws:iam::${accountId}:role/${role}`,
  uniqueId: id,
  userId: `${id}:${name}`,
  tags: {},
  session: { ...SESSION, name, ...(provider && { federatedProvider: provider }) },
})

const federated = (accountId: AccountId, name: string): Principal => {
  const arn = `arn:aws:sts::${accountId}:federated-user/${name}`
  return {
    type: 'FederatedUser',
    accountId,
    partition: 'aws',
    arn,
    principalArn: arn,
    uniqueId: accountId,
    userId: `${accountId}:${name}`,
    tags: {},
    session: { ...SESSION, name },
  }
}

const service = (name: string): Principal => ({
  type: 'Service',
  accountId: OWNER,
  partition: 'aws',
  arn: `${name}.amazonaws.com`,
  principalArn: `${name}.amazonaws.com`,
  uniqueId: `${name}.amazonaws.com`,
  userId: `${name}.amazonaws.com`,
  tags: {},
  serviceNames: [`${name}.eu-central-1.amazonaws.com`, `${name}.amazonaws.com`],
})

/** Who presents an identity token to become a role: nobody yet. */
const tokenBearer = (accountId: AccountId, provider: string): Principal => ({
  ...federated(accountId, 'token'),
  isVisitor: true,
  session: { ...SESSION, federatedProvider: provider },
})

const ISSUER = `arn:aws:iam::${OWNER}:oidc-provider/token.example.com`
const [ALICE_ID, APP_ID] = ['AIDAALICEALICEALICE00', 'AROAAPPAPPAPPAPPAPP00']

/** Who acts in the cases, by the name that they use. */
export const CAST: ReadonlyMap<string, Principal> = new Map([
  ['root', rootPrincipal('aws', OWNER)],
  ['alice', user(OWNER, 'alice', ALICE_ID)],
  ['bob', user(OWNER, 'team/bob', 'AIDABOBBOBBOBBOBBOB00')],
  // Had the same name, and was deleted and made again.
  ['new alice', user(OWNER, 'alice', 'AIDAALICEALICEALICE11')],
  ['app', roleSession(OWNER, 'svc/app', { id: APP_ID, name: 'one' })],
  ['app two', roleSession(OWNER, 'svc/app', { id: APP_ID, name: 'two' })],
  ['new app', roleSession(OWNER, 'svc/app', { id: 'AROAAPPAPPAPPAPPAPP11', name: 'one' })],
  ['ci', roleSession(OWNER, 'ci', { id: 'AROACICICICICICICIC00', name: 'job', provider: ISSUER })],
  ['federated', federated(OWNER, 'fred')],
  ['token', tokenBearer(OWNER, ISSUER)],
  ['logs', service('logs')],
  ['s3', service('s3')],
  ['other root', rootPrincipal('aws', OTHER)],
  ['mallory', user(OTHER, 'mallory', 'AIDAMALLORYMALLORY000')],
  ['other app', roleSession(OTHER, 'app', { id: 'AROAOTHEROTHEROTHER00', name: 'one' })],
])
