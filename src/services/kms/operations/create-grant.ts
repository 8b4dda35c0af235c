import type { Stored } from '../../../core/records.ts'
import { GRANTS, type Grant } from '../../../core/tables.ts'
import type { JsonObject } from '../../../pipeline/operation.ts'
import { bindGrant, delegates } from '../authorization/grant-binding.ts'
import {
  assertGrantFits,
  checkGrantRequest,
  type GrantTerms,
  grantConstraints,
  grantTerms,
  requestDigest,
} from '../grants/grant-requests.ts'
import { drawTokenNonce } from '../grants/grant-tokens.ts'
import { assertRoomForGrant } from '../grants/grants.ts'
import type { ResolvedKey } from '../keys/key-resolver.ts'
import { FOR_CREATE_GRANT } from '../keys/key-states.ts'
import { defineKeyOperation, type KmsScope } from '../kms-operation.ts'
import type { CreateGrantRequest } from '../model.ts'

/** What is drawn before the transaction. */
interface NewGrant {
  readonly grantId: string
  readonly tokenNonce: Uint8Array
}

const GRANT_ID_BYTES = 32

/** The grant that the same named request has made before, if it is still there. */
async function findSame(
  { records }: KmsScope,
  { region, keyId }: GrantTerms,
  digest: string | undefined,
): Promise<Stored<Grant> | undefined> {
  if (digest === undefined) return undefined
  const query = { index: 'by_request', equals: [region, keyId, digest], limit: 1 }
  const [same] = await records.page(GRANTS, query)
  return same
}

/** What the request comes to: the terms of the grant, and the one that is there already. */
async function considerGrant(input: CreateGrantRequest, target: ResolvedKey, scope: KmsScope) {
  const terms = await bindGrant(grantTerms(input, target, scope.call), scope)
  const digest = requestDigest(terms)
  const same = await findSame(scope, terms, digest)
  if (same === undefined) await assertRoomForGrant(scope.records, target.key)
  return { terms, digest, same }
}

/** Everything that was asked for but the grant tokens. */
const auditRequest = (input: CreateGrantRequest): JsonObject => ({
  keyId: input.KeyId,
  granteePrincipal: input.GranteePrincipal,
  granteeServicePrincipal: input.GranteeServicePrincipal,
  retiringPrincipal: input.RetiringPrincipal,
  retiringServicePrincipal: input.RetiringServicePrincipal,
  operations: input.Operations,
  constraints: input.Constraints && {
    encryptionContextSubset: input.Constraints.EncryptionContextSubset,
    encryptionContextEquals: input.Constraints.EncryptionContextEquals,
    sourceArn: input.Constraints.SourceArn,
  },
  name: input.Name,
})

/**
 * Lets a principal use a key for some operations, until the grant is retired or revoked. The same
 * request with a name gives the same grant again, with another token.
 * Source: AWS KMS API Reference, CreateGrant.
 */
export const createGrant = defineKeyOperation({
  name: 'CreateGrant',
  effect: 'write',
  key: { accepts: 'idOrArn', states: FOR_CREATE_GRANT },
  check: checkGrantRequest,
  demand: (input) => ({
    acceptsGrant: (parent) =>
      delegates(parent, {
        operations: input.Operations,
        constraints: grantConstraints(input) ?? {},
      }),
  }),
  prepare: (_input, { random }): NewGrant => ({
    grantId: Buffer.from(random.bytes(GRANT_ID_BYTES)).toString('hex'),
    tokenNonce: drawTokenNonce(random),
  }),

  admit(input, target, call) {
    assertGrantFits(input, target)
    // The principals are the last thing that AWS looks at.
    grantTerms(input, target, call)
  },
  rehearse: async (input, target, scope) => void (await considerGrant(input, target, scope)),

  async handle(input, target, scope, drawn: NewGrant) {
    const { terms, digest, same } = await considerGrant(input, target, scope)
    const grantId = same?.record.grantId ?? drawn.grantId
    if (same === undefined) {
      await scope.tx.insert(GRANTS, {
        ...terms,
        grantId,
        createdAt: scope.call.time,
        ...(digest !== undefined && { requestDigest: digest }),
      })
    }
    const { region, keyId } = target.key
    const token = scope.grantTokens.issue({ region, keyId, grantId }, drawn.tokenNonce)
    return { GrantToken: token, GrantId: grantId }
  },

  audit: (input, target, output) => ({
    requestParameters: auditRequest(input),
    responseElements: target === undefined ? null : { grantId: output?.GrantId, keyId: target.arn },
  }),
})
