import type { KeyId } from '../../core/ids.ts'
import type { ImportFailure, ImportWrapping } from '../../core/key-import.ts'
import type { KeySpec } from '../../core/key-specs.ts'
import type { NewMaterial } from '../../core/key-store.ts'
import type { AsymmetricEngine } from '../../crypto/asymmetric/engine.ts'
import { acceptMaterial } from '../../crypto/asymmetric/import-material.ts'
import { unwrapMaterial } from '../../crypto/asymmetric/import-wrapping.ts'
import { openKeyPair } from '../../crypto/asymmetric/key-pair.ts'
import { keyMaterialIdOf } from '../../crypto/key-material.ts'

/** Unwraps and checks key material from outside. `wrapping` is borrowed; the caller owns the material. */
export async function openImport(
  engine: AsymmetricEngine,
  { spec, keyId }: { readonly spec: KeySpec; readonly keyId: KeyId },
  wrapping: ImportWrapping,
  wrapped: Uint8Array,
): Promise<NewMaterial | ImportFailure> {
  const wrappingKey = openKeyPair(wrapping.wrappingKeySpec, wrapping.wrappingKey)
  const { wrappingAlgorithm } = wrapping
  using unwrapped = await unwrapMaterial(engine, wrappingKey, wrappingAlgorithm, wrapped)
  if (unwrapped === undefined) return 'not unwrapped'
  const accepted = await acceptMaterial(engine, spec, unwrapped)
  if (accepted === undefined) return 'not material'
  const { material, publicKey } = accepted
  return { material, materialId: keyMaterialIdOf(keyId, material), publicKey }
}
