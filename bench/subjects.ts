import { type KmsCaller, objectOf, stringOf } from './kms-caller.ts'
import { KEYS_PER_PAGE, type Subjects, workloadOf } from './workload.ts'

const SUBJECT_KEYS = 16
const CIPHERTEXTS = 2048

async function newKey(kms: KmsCaller, keySpec?: string, keyUsage?: string): Promise<string> {
  const input = keySpec === undefined ? {} : { KeySpec: keySpec, KeyUsage: keyUsage }
  return stringOf(objectOf(await kms.succeed('CreateKey', input), 'KeyMetadata'), 'Arn')
}

/** Goes through all pages of ListKeys once. */
async function pageMarkersOf(kms: KmsCaller): Promise<string[]> {
  const markers: string[] = []
  for (;;) {
    const after = markers.at(-1)
    const page = await kms.succeed('ListKeys', {
      Limit: KEYS_PER_PAGE,
      ...(after !== undefined && { Marker: after }),
    })
    if (page['NextMarker'] === undefined) return markers
    markers.push(stringOf(page, 'NextMarker'))
  }
}

/** Makes the keys and ciphertexts that requests are about. */
export async function prepareSubjects(kms: KmsCaller): Promise<Subjects> {
  const subjects = {
    keyArns: await Promise.all(Array.from({ length: SUBJECT_KEYS }, () => newKey(kms))),
    ciphertexts: [],
    pageMarkers: await pageMarkersOf(kms),
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
