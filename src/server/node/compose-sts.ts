import { ProviderKeys } from '../../identity/oidc/provider-keys.ts'
import { WebIdentityVerifier } from '../../identity/oidc/web-identity.ts'
import type { Sessions } from '../../identity/sessions.ts'
import type { Service } from '../../pipeline/service.ts'
import { AuthorizationMessages } from '../../services/sts/authorization-messages.ts'
import { STS_MODEL } from '../../services/sts/model.ts'
import { createSts } from '../../services/sts/sts.ts'
import { createProviderDocuments } from '../authentication/provider-documents.ts'
import type { NodeParts } from './node.ts'
import { createQueryCodec } from './query-codec.ts'
import { ensureServiceKey } from './service-secrets.ts'

/** Puts STS together, with what it asks identity providers by. */
export async function composeSts(parts: NodeParts, sessions: Sessions): Promise<Service> {
  const { machine, random, log, openAccount } = parts
  const documents = createProviderDocuments({ allowPrivate: parts.oidcAllowPrivate === true })
  const messageKey = await ensureServiceKey(parts, 'authorization-messages')
  return createSts({
    codec: createQueryCodec(STS_MODEL.query),
    sessions,
    messages: new AuthorizationMessages(messageKey, random),
    webIdentities: new WebIdentityVerifier(new ProviderKeys({ documents, machine, log })),
    rootAssumesRoles: openAccount !== undefined,
  })
}
