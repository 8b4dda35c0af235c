import type { WebIdentityVerifier } from '../../identity/oidc/web-identity.ts'
import type { Sessions } from '../../identity/sessions.ts'
import type { Codec } from '../../pipeline/codec.ts'
import type { AnyOperation } from '../../pipeline/operation.ts'
import type { Service } from '../../pipeline/service.ts'
import type { AuthorizationMessages } from './authorization-messages.ts'
import { type OperationName, STS_MODEL } from './model.ts'
import { assumeRole } from './operations/assume-role.ts'
import { assumeRoleWithWebIdentity } from './operations/assume-role-with-web-identity.ts'
import { decodeAuthorizationMessage } from './operations/decode-authorization-message.ts'
import { getAccessKeyInfo } from './operations/get-access-key-info.ts'
import { getCallerIdentity } from './operations/get-caller-identity.ts'
import { getFederationToken } from './operations/get-federation-token.ts'
import { getSessionToken } from './operations/get-session-token.ts'
import { RoleTargets } from './role-targets.ts'
import type { StsScope } from './sts-operation.ts'

export interface StsParts {
  readonly codec: Codec
  readonly sessions: Sessions
  readonly messages: AuthorizationMessages
  readonly webIdentities: WebIdentityVerifier
  /** As `StsScope.rootAssumesRoles`. */
  readonly rootAssumesRoles: boolean
}

/** The Security Token Service: who is calling, and temporary credentials. */
export function createSts(parts: StsParts): Service {
  const { codec, sessions, messages, webIdentities, rootAssumesRoles } = parts
  const roles = new RoleTargets()
  const operations: Readonly<Record<OperationName, AnyOperation>> = {
    AssumeRole: assumeRole,
    AssumeRoleWithWebIdentity: assumeRoleWithWebIdentity(webIdentities),
    DecodeAuthorizationMessage: decodeAuthorizationMessage,
    GetAccessKeyInfo: getAccessKeyInfo,
    GetCallerIdentity: getCallerIdentity,
    GetFederationToken: getFederationToken,
    GetSessionToken: getSessionToken,
  }
  return {
    name: STS_MODEL.service,
    eventSource: 'sts.amazonaws.com',
    codec,
    operations: new Map(Object.entries(operations)),
    internalError: 'InternalFailure',
    openScope: (scope): StsScope => ({ ...scope, sessions, messages, roles, rootAssumesRoles }),
  }
}
