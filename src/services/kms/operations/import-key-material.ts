import { ServiceError } from '../../../core/errors.ts'
import { DAY_MS, plusMs } from '../../../core/ids.ts'
import type { Key } from '../../../core/key.ts'
import { keySpecRow } from '../../../core/key-specs.ts'
import type { NewMaterial } from '../../../core/key-store.ts'
import { KEYS } from '../../../core/tables.ts'
import { auditDate } from '../../../pipeline/audit-date.ts'
import type { Call } from '../../../pipeline/call.ts'
import { invalidCiphertext, wrongOrigin } from '../keys/key-errors.ts'
import { FOR_IMPORT } from '../keys/key-states.ts'
import { defineKeyOperation, type KmsScope } from '../kms-operation.ts'
import {
  expiredImportToken,
  incorrectMaterial,
  invalidImportToken,
  materialIdWithNew,
  onlySymmetric,
  validToForbidden,
  validToMissing,
  validToOutOfRange,
} from '../material/material-errors.ts'
import { importMaterial } from '../material/material-import.ts'
import { keyIdIn } from '../material/new-material.ts'
import type { ImportKeyMaterialRequest } from '../model.ts'

/** Source: AWS KMS API Reference, ImportKeyMaterial, ValidTo. Unit: milliseconds. */
const VALID_MS_MAX = 365 * DAY_MS

const expirationOf = (input: ImportKeyMaterialRequest) =>
  input.ExpirationModel ?? 'KEY_MATERIAL_EXPIRES'

/** @throws ServiceError ValidationException */
function checkExpiration(input: ImportKeyMaterialRequest): void {
  const expires = expirationOf(input) === 'KEY_MATERIAL_EXPIRES'
  if (expires && input.ValidTo === undefined) throw validToMissing()
  if (!expires && input.ValidTo !== undefined) throw validToForbidden()
}

/** @throws ServiceError ValidationException */
function assertExpiresInTime({ ValidTo }: ImportKeyMaterialRequest, { time }: Call): void {
  if (ValidTo === undefined) return
  if (ValidTo <= time || ValidTo > plusMs(time, VALID_MS_MAX)) throw validToOutOfRange()
}

/** The members that only a key with several materials has use for. */
const SYMMETRIC_MEMBERS = ['ImportType', 'KeyMaterialDescription', 'KeyMaterialId'] as const

/** @throws ServiceError UnsupportedOperationException */
function assertMembersFit(input: ImportKeyMaterialRequest, { spec }: Key): void {
  if (keySpecRow(spec).type === 'symmetric') return
  for (const member of SYMMETRIC_MEMBERS) {
    if (input[member] !== undefined) throw onlySymmetric(member, spec)
  }
}

/**
 * Opens the token and what is wrapped. Done before the transaction, so that a refusal is kept until the
 * key has been found and the caller may import into it.
 */
async function openMaterial(
  input: ImportKeyMaterialRequest,
  { records, keystore, importTokens, call }: KmsScope,
): Promise<NewMaterial | ServiceError> {
  const keyId = keyIdIn(input.KeyId)
  const stored = keyId && (await records.find(KEYS, [call.region, keyId]))
  // An unknown key has no token; that it is unknown will be told first.
  if (!stored || stored.record.accountId !== call.accountId) return invalidImportToken()
  const key = stored.record
  const token = importTokens.open(key, input.ImportToken)
  if (token === undefined) return invalidImportToken()
  using _ = token.wrappingKey
  if (token.validTo <= call.time) return expiredImportToken()
  const opened = await keystore.openImport(key, token, input.EncryptedKeyMaterial)
  if (opened === 'not unwrapped') return invalidCiphertext()
  return opened === 'not material' ? incorrectMaterial() : opened
}

/**
 * Imports key material into a key that is made for it, for the first time or again, or new material that
 * a symmetric key is to rotate to.
 * Source: AWS KMS API Reference, ImportKeyMaterial.
 */
export const importKeyMaterial = defineKeyOperation({
  name: 'ImportKeyMaterial',
  effect: 'write',
  key: { accepts: 'idOrArn', states: FOR_IMPORT },
  check(input) {
    checkExpiration(input)
    const isNew = input.ImportType === 'NEW_KEY_MATERIAL'
    if (isNew && input.KeyMaterialId !== undefined) throw materialIdWithNew()
  },
  async prepare(input, scope) {
    assertExpiresInTime(input, scope.call)
    return openMaterial(input, scope)
  },
  admit(input, { key, arn }) {
    if (key.origin !== 'EXTERNAL') throw wrongOrigin(arn, key.origin)
    assertMembersFit(input, key)
  },

  async handle(input, target, scope, opened: NewMaterial | ServiceError) {
    if (opened instanceof ServiceError) throw opened
    await importMaterial(scope, target, opened, {
      type: input.ImportType,
      materialId: input.KeyMaterialId,
      description: input.KeyMaterialDescription,
      expirationModel: expirationOf(input),
      validTo: input.ValidTo,
    })
    return { KeyId: target.arn, KeyMaterialId: opened.materialId }
  },

  audit: (input, _target, output) => ({
    requestParameters: {
      keyId: input.KeyId,
      validTo: input.ValidTo === undefined ? undefined : auditDate(input.ValidTo),
      expirationModel: expirationOf(input),
      importType: input.ImportType,
      keyMaterialDescription: input.KeyMaterialDescription,
      keyMaterialId: input.KeyMaterialId,
    },
    responseElements:
      output === undefined ? null : { keyId: output.KeyId, keyMaterialId: output.KeyMaterialId },
  }),
})
