import { type KmsCaller, objectOf, stringOf } from './kms-caller.ts'
import { type Subjects, workloadOf } from './workload.ts'

/** More than one page of ListKeys. */
const KEYS = 120
const SUBJECT_KEYS = 16
const CIPHERTEXTS = 2048

async function newKey(kms: KmsCaller, keySpec?: string, keyUsage?: string): Promise<string> {
  const input = keySpec === undefined ? {} : { KeySpec: keySpec, KeyUsage: keyUsage }
  return stringOf(objectOf(await kms.succeed('CreateKey', input), 'KeyMetadata'), 'Arn')
}

/** Makes the keys and ciphertexts that requests are about. */
export async function prepareSubjects(kms: KmsCaller): Promise<Subjects> {
  const created = await Promise.all(Array.from({ length: KEYS }, () => newKey(kms)))
  const subjects = {
    keyArns: created.slice(0, SUBJECT_KEYS),
    ciphertexts: [],
    macKeyArn: await newKey(kms, 'HMAC_256', 'GENERATE_VERIFY_MAC'),
    p256KeyArn: await newKey(kms, 'ECC_NIST_P256', 'SIGN_VERIFY'),
    rsa2048KeyArn: await newKey(kms, 'RSA_2048', 'SIGN_VERIFY'),
    rsa4096KeyArn: await newKey(kms, 'RSA_4096', 'SIGN_VERIFY'),
  }
  const { input } = workloadOf('Encrypt')
  const ciphertexts = await Promise.all(
    Array.from({ length: CIPHERTEXTS }, async (_, index) =>
      stringOf(await kms.succeed('Encrypt', input(index, subjects)), 'CiphertextBlob'),
    ),
  )
  return { ...subjects, ciphertexts }
}
