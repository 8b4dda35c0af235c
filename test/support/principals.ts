import assert from 'node:assert/strict'
import type { Role, User } from '../../src/core/identity.ts'
import { roleArn, roleSessionArn, userArn } from '../../src/core/identity-arns.ts'
import {
  type AccountId,
  parseAccessKeyId,
  parseAccountId,
  type Region,
} from '../../src/core/ids.ts'
import { type Principal, rootPrincipal } from '../../src/core/principal.ts'
import { parseRegion } from '../../src/core/regions.ts'
import type { CallOrigin } from '../../src/pipeline/pipeline.ts'
import type { PassedOn } from '../../src/pipeline/service-callers.ts'

/** An account id; fails for what is none. */
export function accountId(text: string): AccountId {
  const parsed = parseAccountId(text)
  assert.ok(parsed !== undefined, `${text} is an account id`)
  return parsed
}

/** A Region; fails for what is none. */
export function regionOf(text: string): Region {
  const parsed = parseRegion(text)
  assert.ok(parsed !== undefined, `${text} is a Region`)
  return parsed
}

/** A user, calling with an access key. */
export function userPrincipal(user: User): Principal {
  const arn = userArn('aws', user)
  const { accountId: account, userId, name, tags } = user
  return {
    type: 'User',
    accountId: account,
    partition: 'aws',
    arn,
    principalArn: arn,
    uniqueId: userId,
    userId,
    userName: name,
    tags,
  }
}

/** A session of a role. */
export function sessionPrincipal(role: Role, session: string): Principal {
  const { accountId: account, roleId, tags } = role
  return {
    type: 'AssumedRole',
    accountId: account,
    partition: 'aws',
    arn: roleSessionArn('aws', role, session),
    principalArn: roleArn('aws', role),
    uniqueId: roleId,
    userId: `${roleId}:${session}`,
    tags,
  }
}

/** The root of an account. */
export const rootOfAccount = (account: string): Principal =>
  rootPrincipal('aws', accountId(account))

/** A call that came to a service from a principal, and that the service passes on. */
export function callBy(principal: Principal, region = 'eu-central-1'): PassedOn {
  const { type, arn, userId } = principal
  const accessKeyId = parseAccessKeyId('AKIAEXAMPLEEXAMPLE00')
  assert.ok(accessKeyId !== undefined)
  const userIdentity = {
    type: type === 'User' ? 'IAMUser' : type,
    principalId: userId,
    arn,
    accountId: principal.accountId,
    accessKeyId,
  }
  return {
    accountId: principal.accountId,
    region: regionOf(region),
    caller: {
      accountId: principal.accountId,
      principal,
      arn,
      userId,
      accessKeyId,
      userIdentityJson: JSON.stringify(userIdentity),
    },
  }
}

/** A call that came straight from a principal, over the network. */
export const directly = (principal: Principal, region?: string): CallOrigin => ({
  ...callBy(principal, region),
  connection: { remoteAddress: '192.0.2.1' },
  userAgent: 'test',
  host: 'localhost',
})
