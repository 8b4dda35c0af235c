/**
 * `node bench/authorization.ts`: what a decision costs, and what compiling a policy costs. The caller has
 * ten policies of ten statements, the key a policy that lets its account decide.
 */
import type { AccessRequest } from '../src/authz/access-request.ts'
import { compilePolicy } from '../src/authz/compiled-policy.ts'
import type { KeyAccess } from '../src/authz/decide.ts'
import { decideOnKey } from '../src/authz/decide.ts'
import { CachedDecisions } from '../src/authz/decision-cache.ts'
import { denialMessage } from '../src/authz/denial-message.ts'
import type { NamedPolicy, PrincipalPolicies } from '../src/authz/policies.ts'
import { parseAccountId } from '../src/core/ids.ts'
import type { Principal } from '../src/core/principal.ts'

const ACCOUNT = parseAccountId('111122223333')
const KEY = 'arn:aws:kms:eu-central-1:111122223333:key/0d990263-018e-4e65-a703-eff731de951e'
const WARM_UP_MS = 500
const ROUND_MS = 1000
const BATCH = 1000
if (ACCOUNT === undefined) throw new Error('an account id has twelve digits')

const statement = (policy: number, index: number): object => ({
  Sid: `p${policy}s${index}`,
  Effect: index === 9 ? 'Deny' : 'Allow',
  Action: index < 5 ? [`s3:Get${index}*`, 's3:PutObject'] : ['kms:Encrypt', 'kms:Decrypt*'],
  Resource: index % 2 === 0 ? '*' : `arn:aws:kms:*:111122223333:key/${policy}*`,
  Condition: {
    StringEquals: { 'kms:ViaService': `s${index}.eu-central-1.amazonaws.com` },
    StringLike: { 'kms:EncryptionContext:tenant': [`t${policy}-*`, `u${index}`] },
  },
})
const tenPolicies: readonly NamedPolicy[] = Array.from({ length: 10 }, (_, policy) => ({
  layer: 'identity-policy',
  name: `p${policy}`,
  policy: compilePolicy(
    JSON.stringify({
      Version: '2012-10-17',
      Statement: [
        ...Array.from({ length: policy === 9 ? 9 : 10 }, (__, index) => statement(policy, index)),
        ...(policy === 9 ? [{ Effect: 'Allow', Action: 'kms:*', Resource: '*' }] : []),
      ],
    }),
  ),
}))
const policies: PrincipalPolicies = { identity: tenPolicies }
const keyPolicyText = JSON.stringify({
  Version: '2012-10-17',
  Statement: [
    {
      Effect: 'Allow',
      Principal: { AWS: 'arn:aws:iam::111122223333:root' },
      Action: 'kms:*',
      Resource: '*',
    },
  ],
})
const access: KeyAccess = {
  policy: { layer: 'resource-policy', name: 'key policy', policy: compilePolicy(keyPolicyText) },
  operation: 'Encrypt',
  isCrossAccount: true,
  grants: [],
  encryptionContext: {},
}
const user = 'arn:aws:iam::111122223333:user/alice'
const principal: Principal = {
  type: 'User',
  accountId: ACCOUNT,
  partition: 'aws',
  arn: user,
  principalArn: user,
  uniqueId: 'AIDAEXAMPLEEXAMPLE000',
  userId: 'AIDAEXAMPLEEXAMPLE000',
  userName: 'alice',
  tags: {},
}
const values = new Map([
  ['kms:viaservice', 's3.eu-central-1.amazonaws.com'],
  ['kms:encryptioncontext:tenant', 'a tenant of another name'],
])
const request: AccessRequest = {
  action: 'kms:Encrypt',
  principal,
  resourceArn: KEY,
  resourceAccount: ACCOUNT,
  context: { get: (key) => values.get(key) },
}

/** Nanoseconds a call, of the best of three rounds. */
function nanoseconds(call: () => unknown): number {
  const round = (milliseconds: number): number => {
    const start = performance.now()
    let calls = 0
    let now = start
    while (now - start < milliseconds) {
      for (let index = 0; index < BATCH; index++) call()
      calls += BATCH
      now = performance.now()
    }
    return ((now - start) * 1e6) / calls
  }
  round(WARM_UP_MS)
  return Math.min(round(ROUND_MS), round(ROUND_MS), round(ROUND_MS))
}

const report = (what: string, call: () => unknown): void => {
  console.log(`${what.padEnd(48)} ${nanoseconds(call).toFixed(0).padStart(8)} ns`)
}

const denied = decideOnKey({ ...request, action: 'kms:Nothing' }, { identity: [] }, access)
if (denied.allowed || !decideOnKey(request, policies, access).allowed) {
  throw new Error('the benchmark does not decide what it means to')
}
report('decide: ten policies of ten statements', () => decideOnKey(request, policies, access))
const cached = new CachedDecisions()
report('the same, cached', () => cached.onKey(request, policies, access))
const administrator: PrincipalPolicies = {
  identity: [
    {
      layer: 'identity-policy',
      name: 'AdministratorAccess',
      policy: compilePolicy(
        JSON.stringify({
          Version: '2012-10-17',
          Statement: { Effect: 'Allow', Action: '*', Resource: '*' },
        }),
      ),
    },
  ],
}
report('decide: an administrator', () => decideOnKey(request, administrator, access))
report('the same, cached', () => cached.onKey(request, administrator, access))
report('decide: no identity policy', () => decideOnKey(request, { identity: [] }, access))
report('text of a denial', () => denialMessage(request, denied.denial, 'arn'))
report('compile a default key policy', () => compilePolicy(keyPolicyText))
