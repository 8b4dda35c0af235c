import { awsAttestationRoots } from '../../crypto/attestation/attestation-roots.ts'
import { createAttestationVerifier } from '../../crypto/attestation/attestation-verifier.ts'
import { SoftwareKeyStore } from '../../keystore/software/software-key-store.ts'
import type { PageMarkers } from '../../pipeline/page-markers.ts'
import type { Service } from '../../pipeline/service.ts'
import { CompiledKeyPolicies } from '../../services/kms/authorization/compiled-key-policies.ts'
import { GrantIndex } from '../../services/kms/authorization/grant-index.ts'
import { GrantTokens } from '../../services/kms/grants/grant-tokens.ts'
import type { KeyUsage } from '../../services/kms/keys/key-usage.ts'
import { ServiceKeys, type ServiceKeysParts } from '../../services/kms/keys/service-keys.ts'
import { createKms } from '../../services/kms/kms.ts'
import { ImportTokens } from '../../services/kms/material/import-tokens.ts'
import { KMS_MODEL } from '../../services/kms/model.ts'
import { createAsymmetricEngine } from './asymmetric-engine.ts'
import { createJsonCodec } from './json-codec.ts'
import type { NodeParts } from './node.ts'
import { ensureServiceKey } from './service-secrets.ts'

/** KMS, and what of it the node ends and works with. */
export interface ComposedKms {
  readonly service: Service
  readonly keystore: SoftwareKeyStore
  readonly serviceKeys: ServiceKeys
  readonly engine: ReturnType<typeof createAsymmetricEngine>
  readonly keyPolicies: CompiledKeyPolicies
}

/** Puts KMS together. */
export async function composeKms(
  parts: NodeParts,
  {
    markers,
    lastUses,
    ...recording
  }: Pick<ServiceKeysParts, 'trail' | 'frames'> & {
    readonly markers: PageMarkers
    readonly lastUses: KeyUsage
  },
): Promise<ComposedKms> {
  const { random, records } = parts
  const importTokens = new ImportTokens(await ensureServiceKey(parts, 'import-tokens'), random)
  const grantTokens = new GrantTokens(await ensureServiceKey(parts, 'grant-tokens'))
  const engine = createAsymmetricEngine()
  const keystore = new SoftwareKeyStore(random, engine)
  const serviceKeys = new ServiceKeys({ ...parts, ...recording, keystore })
  const attestation = createAttestationVerifier({
    roots: parts.attestationRoots ?? awsAttestationRoots(),
    gate: engine.gate,
  })
  const keyPolicies = new CompiledKeyPolicies()
  const service = createKms({
    codec: createJsonCodec(KMS_MODEL.targetPrefix),
    attestation,
    keystore,
    markers,
    importTokens,
    grantTokens,
    grantIndex: new GrantIndex(records),
    keyPolicies,
    lastUses,
    serviceKeys,
    quotas: parts.quotas,
  })
  return { service, keystore, serviceKeys, engine, keyPolicies }
}
