import type { AuditCase } from './kms-audit-cases.ts'

const IMPORTED_UNTIL = 'Jan 15, 2026, 11:00:00 AM'

/** What a call about the key with imported material is recorded as, but for its parameters. */
const changed = ({ arn }: { readonly arn: string }) => ({
  responseElements: { keyId: arn },
  resources: [arn],
  readOnly: false,
})

/** Rotation and import, in the order in which they are called. Source: as for the other cases. */
export const MATERIAL_CASES: readonly AuditCase[] = [
  {
    operation: 'GetParametersForImport',
    input: ({ importedId }) => ({
      KeyId: importedId,
      WrappingAlgorithm: 'RSAES_OAEP_SHA_1',
      WrappingKeySpec: 'RSA_2048',
    }),
    expected: ({ importedId, importedArn }) => ({
      requestParameters: {
        keyId: importedId,
        wrappingAlgorithm: 'RSAES_OAEP_SHA_1',
        wrappingKeySpec: 'RSA_2048',
      },
      resources: [importedArn],
      readOnly: true,
    }),
  },
  {
    operation: 'ImportKeyMaterial',
    input: ({ importedId, importInput }) => ({
      KeyId: importedId,
      ...importInput,
      ValidTo: Date.UTC(2026, 0, 15, 11) / 1000,
      ImportType: 'NEW_KEY_MATERIAL',
      KeyMaterialDescription: 'mine',
    }),
    expected: ({ importedId, importedArn, importedMaterialId }) => ({
      requestParameters: {
        keyId: importedId,
        validTo: IMPORTED_UNTIL,
        expirationModel: 'KEY_MATERIAL_EXPIRES',
        importType: 'NEW_KEY_MATERIAL',
        keyMaterialDescription: 'mine',
      },
      responseElements: { keyId: importedArn, keyMaterialId: importedMaterialId },
      resources: [importedArn],
      readOnly: false,
    }),
  },
  {
    operation: 'DeleteImportedKeyMaterial',
    input: ({ importedArn, importedMaterialId }) => ({
      KeyId: importedArn,
      KeyMaterialId: importedMaterialId,
    }),
    expected: ({ importedArn, importedMaterialId }) => ({
      requestParameters: { keyId: importedArn, keyMaterialId: importedMaterialId },
      responseElements: { keyId: importedArn, keyMaterialId: importedMaterialId },
      resources: [importedArn],
      readOnly: false,
    }),
  },
  {
    operation: 'EnableKeyRotation',
    input: ({ id }) => ({ KeyId: id, RotationPeriodInDays: 100 }),
    expected: (world) => ({
      requestParameters: { keyId: world.id, rotationPeriodInDays: 100 },
      ...changed(world),
    }),
  },
  {
    operation: 'DisableKeyRotation',
    input: ({ id }) => ({ KeyId: id }),
    expected: (world) => ({ requestParameters: { keyId: world.id }, ...changed(world) }),
  },
  {
    operation: 'RotateKeyOnDemand',
    input: ({ id }) => ({ KeyId: id }),
    expected: (world) => ({ requestParameters: { keyId: world.id }, ...changed(world) }),
  },
  {
    operation: 'GetKeyRotationStatus',
    input: ({ id }) => ({ KeyId: id }),
    expected: ({ id, arn }) => ({
      requestParameters: { keyId: id },
      resources: [arn],
      readOnly: true,
    }),
  },
  {
    operation: 'ListKeyRotations',
    input: ({ id }) => ({ KeyId: id, IncludeKeyMaterial: 'ALL_KEY_MATERIAL', Limit: 7 }),
    expected: ({ id, arn }) => ({
      requestParameters: { keyId: id, includeKeyMaterial: 'ALL_KEY_MATERIAL', limit: 7 },
      resources: [arn],
      readOnly: true,
    }),
  },
]
