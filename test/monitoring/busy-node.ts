import { createPublicKey, publicEncrypt, randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import * as sdk from '@aws-sdk/client-kms'
import { type ServerProcess, startServer, temporaryFolder } from '../support/server-process.ts'

/** A node as its operator starts it, with something of everything in its metrics. */
export interface BusyNode extends AsyncDisposable {
  readonly server: ServerProcess
  readonly kms: sdk.KMSClient
  readonly region: string
  /** A key that was used, and is enabled. */
  readonly keyArn: string
  /** A key whose imported material expires in a week. */
  readonly importedKeyId: string
}

const REGION = 'eu-central-1'
const WEEK_MS = 604_800_000

const failing = async (call: Promise<unknown>): Promise<void> => {
  const failed = await call.then(
    () => false,
    () => true,
  )
  if (!failed) throw new Error('a call that was to fail did not')
}

async function importExpiring(kms: sdk.KMSClient): Promise<string> {
  const { KeyMetadata } = await kms.send(new sdk.CreateKeyCommand({ Origin: 'EXTERNAL' }))
  const KeyId = KeyMetadata?.KeyId
  const { PublicKey, ImportToken } = await kms.send(
    new sdk.GetParametersForImportCommand({
      KeyId,
      WrappingAlgorithm: 'RSAES_OAEP_SHA_256',
      WrappingKeySpec: 'RSA_2048',
    }),
  )
  const key = createPublicKey({ key: Buffer.from(PublicKey ?? []), format: 'der', type: 'spki' })
  const EncryptedKeyMaterial = publicEncrypt({ key, oaepHash: 'sha256' }, randomBytes(32))
  const ValidTo = new Date(Date.now() + WEEK_MS)
  await kms.send(
    new sdk.ImportKeyMaterialCommand({ KeyId, ImportToken, EncryptedKeyMaterial, ValidTo }),
  )
  return KeyId ?? ''
}

/** Starts a node and makes it do what dashboards and alerts look at: calls that succeed, and all ways to fail. */
export async function startBusyNode(flags: readonly string[] = []): Promise<BusyNode> {
  const rates = join(temporaryFolder(), 'rates.json')
  writeFileSync(rates, JSON.stringify({ GenerateRandom: 1 }))
  const folder = temporaryFolder()
  const events = ['--events-to', `file:${join(folder, 'events.jsonl')}`]
  const copies = ['--ship-to', `dir:${folder}`, '--anchor', `file:${join(folder, 'anchors.jsonl')}`]
  const server = await startServer({ flags: ['--quotas', rates, ...events, ...copies, ...flags] })
  const { endpoint, credentials } = server
  const options = { endpoint, region: REGION, maxAttempts: 1 }
  const kms = new sdk.KMSClient({ ...options, credentials })
  const stranger = new sdk.KMSClient({
    ...options,
    credentials: { ...credentials, secretAccessKey: 'wrong' },
  })
  const { KeyMetadata } = await kms.send(new sdk.CreateKeyCommand({}))
  const KeyId = KeyMetadata?.KeyId
  const Plaintext = Buffer.from('text')
  for (let at = 0; at < 5; at++) await kms.send(new sdk.EncryptCommand({ KeyId, Plaintext }))
  const rsa = await kms.send(
    new sdk.CreateKeyCommand({ KeySpec: 'RSA_2048', KeyUsage: 'SIGN_VERIFY' }),
  )
  const going = await kms.send(new sdk.CreateKeyCommand({}))
  await kms.send(new sdk.ScheduleKeyDeletionCommand({ KeyId: going.KeyMetadata?.KeyId }))
  await kms.send(
    new sdk.SignCommand({
      KeyId: rsa.KeyMetadata?.KeyId,
      Message: Plaintext,
      SigningAlgorithm: 'RSASSA_PSS_SHA_256',
    }),
  )
  const foreign = `arn:aws:kms:${REGION}:999988887777:key/00000000-0000-0000-0000-000000000000`
  await failing(kms.send(new sdk.EncryptCommand({ KeyId: foreign, Plaintext })))
  await failing(kms.send(new sdk.EncryptCommand({ KeyId: 'alias/none', Plaintext })))
  await failing(kms.send(new sdk.EncryptCommand({ KeyId: going.KeyMetadata?.KeyId, Plaintext })))
  await failing(stranger.send(new sdk.ListKeysCommand({})))
  await kms.send(new sdk.GenerateRandomCommand({ NumberOfBytes: 1 }))
  await failing(kms.send(new sdk.GenerateRandomCommand({ NumberOfBytes: 1 })))
  const importedKeyId = await importExpiring(kms)
  stranger.destroy()
  return {
    server,
    kms,
    region: REGION,
    keyArn: KeyMetadata?.Arn ?? '',
    importedKeyId,
    async [Symbol.asyncDispose]() {
      kms.destroy()
      await server[Symbol.asyncDispose]()
    },
  }
}
