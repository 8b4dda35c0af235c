import { importParameters, importWith, wrapMaterial } from './key-import.ts'
import { blob, createKey, succeeded, textOf, type WireClient } from './wire-client.ts'

/** The states of a key that calls alone can bring about. */
export type State = 'Enabled' | 'Disabled' | 'PendingDeletion'

/** What a subject's key is for. */
export type Kind = keyof typeof KINDS

/** A key in some state, and what it was given while it was enabled. */
export interface Subject {
  readonly id: string
  readonly arn: string
  /** What the key made of `kept`, in base64: a ciphertext, a signature, a MAC, an encapsulation, a public key. */
  readonly ciphertext: string
  readonly alias: string
  readonly grantId: string
  /** What ImportKeyMaterial takes to bring a key its material again; of a key with imported material alone. */
  readonly reimport?: { readonly ImportToken: string; readonly EncryptedKeyMaterial: string }
}

const MATERIAL = Buffer.alloc(32, 3)

const Message = blob('kept')

/** By the use of the key: how it is made, and the call that makes what later calls are about. */
const KINDS = {
  encryption: {
    made: {},
    call: ['Encrypt', { Plaintext: Message }, 'CiphertextBlob'],
  },
  signing: {
    made: { KeySpec: 'ECC_NIST_P256', KeyUsage: 'SIGN_VERIFY' },
    call: ['Sign', { Message, SigningAlgorithm: 'ECDSA_SHA_256' }, 'Signature'],
  },
  mac: {
    made: { KeySpec: 'HMAC_256', KeyUsage: 'GENERATE_VERIFY_MAC' },
    call: ['GenerateMac', { Message, MacAlgorithm: 'HMAC_SHA_256' }, 'Mac'],
  },
  agreement: {
    made: { KeySpec: 'ECC_NIST_P256', KeyUsage: 'KEY_AGREEMENT' },
    call: ['GetPublicKey', {}, 'PublicKey'],
  },
  imported: {
    made: { Origin: 'EXTERNAL' },
    call: ['Encrypt', { Plaintext: Message }, 'CiphertextBlob'],
  },
  encapsulation: {
    made: { KeySpec: 'ML_KEM_768', KeyUsage: 'ENCAPSULATE_DECAPSULATE' },
    call: ['Encapsulate', { EncapsulationAlgorithm: 'ML_KEM' }, 'SharedSecretCiphertextBlob'],
  },
} as const

/** Makes a key, gives it an alias, lets it make something, and brings it into a state. */
export async function makeSubject(
  kms: WireClient,
  state: State,
  kind: Kind = 'encryption',
): Promise<Subject> {
  const { made, call } = KINDS[kind]
  const { id, arn } = await createKey(kms, made)
  const alias = `alias/of-${id}`
  succeeded(await kms.kms('CreateAlias', { AliasName: alias, TargetKeyId: id }))
  const reimport = kind === 'imported' ? await importOf(kms, id) : undefined
  const grantId = await grantOn(kms, id)
  const [operation, input, member] = call
  const ciphertext = textOf(succeeded(await kms.kms(operation, { KeyId: id, ...input })), member)
  if (state === 'Disabled') succeeded(await kms.kms('DisableKey', { KeyId: id }))
  if (state === 'PendingDeletion') succeeded(await kms.kms('ScheduleKeyDeletion', { KeyId: id }))
  return { id, arn, ciphertext, alias, grantId, ...(reimport && { reimport }) }
}

/** Something that can be granted on every key. */
async function grantOn(kms: WireClient, id: string): Promise<string> {
  const GranteePrincipal = 'arn:aws:iam::111122223333:root'
  const grant = { KeyId: id, GranteePrincipal, Operations: ['DescribeKey'] }
  return textOf(succeeded(await kms.kms('CreateGrant', grant)), 'GrantId')
}

/** Imports material, and makes what imports it again. */
async function importOf(kms: WireClient, id: string): Promise<Subject['reimport'] & {}> {
  const parameters = await importParameters(kms, id)
  const { publicKey, token, algorithm } = parameters
  succeeded(await importWith(kms, id, parameters, MATERIAL))
  const wrapped = wrapMaterial(publicKey, algorithm, MATERIAL)
  return { ImportToken: token, EncryptedKeyMaterial: blob(wrapped) }
}
