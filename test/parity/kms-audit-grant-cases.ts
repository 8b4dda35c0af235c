import { textOf } from '../support/wire-client.ts'
import type { AuditCase, World } from './kms-audit-cases.ts'

const GRANTEE = 'arn:aws:iam::111122223333:role/worker'
const TERMS = { operations: ['Encrypt'], granteePrincipal: GRANTEE, name: 'recorded' }
const CONTEXT = { app: 'shop' }

/** What the end of a grant is recorded as, but for its parameters. */
const ended = ({ arn }: World) => ({
  responseElements: { keyId: arn },
  resources: [arn],
  readOnly: false,
})

/** Grants and the last use, in the order in which they are called. Source: as for the other cases. */
export const GRANT_CASES: readonly AuditCase[] = [
  {
    operation: 'CreateGrant',
    input: ({ id, grantToken }) => ({
      KeyId: id,
      GranteePrincipal: GRANTEE,
      RetiringPrincipal: GRANTEE,
      Operations: TERMS.operations,
      Constraints: { EncryptionContextSubset: CONTEXT },
      Name: TERMS.name,
      GrantTokens: grantToken === undefined ? [] : [grantToken],
    }),
    expected: ({ id, arn }, { json }) => ({
      requestParameters: {
        keyId: id,
        ...TERMS,
        retiringPrincipal: GRANTEE,
        constraints: { encryptionContextSubset: CONTEXT },
      },
      responseElements: { grantId: textOf(json, 'GrantId'), keyId: arn },
      resources: [arn],
      readOnly: false,
    }),
  },
  {
    operation: 'ListGrants',
    input: ({ id }) => ({ KeyId: id, GranteePrincipal: GRANTEE, Limit: 5 }),
    expected: ({ id, arn }) => ({
      requestParameters: { keyId: id, granteePrincipal: GRANTEE, limit: 5 },
      resources: [arn],
      readOnly: true,
    }),
  },
  {
    operation: 'ListRetirableGrants',
    input: () => ({ RetiringPrincipal: GRANTEE }),
    expected: () => ({ requestParameters: { retiringPrincipal: GRANTEE }, readOnly: true }),
  },
  {
    operation: 'RetireGrant',
    input: ({ grantToken }) => ({ GrantToken: grantToken }),
    expected: (world) => ({
      requestParameters: null,
      ...ended(world),
      additionalEventData: { grantId: world.retiredGrantId },
    }),
  },
  {
    operation: 'RevokeGrant',
    input: ({ id, revokedGrantId }) => ({ KeyId: id, GrantId: revokedGrantId }),
    expected: (world) => ({
      requestParameters: { keyId: world.id, grantId: world.revokedGrantId },
      ...ended(world),
    }),
  },
  {
    operation: 'GetKeyLastUsage',
    input: ({ id }) => ({ KeyId: id }),
    expected: ({ id, arn }) => ({
      requestParameters: { keyId: id },
      resources: [arn],
      readOnly: true,
    }),
  },
]
