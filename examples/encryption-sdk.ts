/**
 * Encrypts and decrypts a file with the AWS Encryption SDK for JavaScript, unmodified. All it needs
 * to work with a KMS of one's own is the endpoint, which goes in through the client provider. The
 * message format is AWS's: the Encryption SDKs for other languages read it, and the other way round.
 */
import { createReadStream } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import {
  buildClient,
  CommitmentPolicy,
  getClient,
  KMS,
  KmsKeyringNode,
  type MessageHeader,
} from '@aws-crypto/client-node'
import type { KMSClientConfig } from '@aws-sdk/client-kms'
import { type Order, runExample, withProgress } from './command-line.ts'
import { writeWholeFile } from './whole-file.ts'

const USAGE = `Usage: node examples/encryption-sdk.ts encrypt --key ARN [options] INPUT OUTPUT
       node examples/encryption-sdk.ts decrypt --key ARN [options] INPUT OUTPUT

  -k, --key ARN             key ARN; for encrypt also an alias ARN; without it, decrypt takes any key
  -c, --context NAME=VALUE  encryption context; decrypt refuses a file that lacks a pair (repeatable)
      --endpoint URL        where KMS is (default: AWS_ENDPOINT_URL)
  -h, --help                this text

Credentials come from where every AWS program takes them; the Region comes from the ARN.`

const { encryptStream, decryptStream } = buildClient(
  CommitmentPolicy.REQUIRE_ENCRYPT_REQUIRE_DECRYPT,
)

/** Clients for each Region of our own endpoint, with the default credentials. */
function clientProvider(order: Order) {
  const endpoint = order.endpoint ?? process.env['AWS_ENDPOINT_URL']
  const config: KMSClientConfig = endpoint === undefined ? {} : { endpoint }
  // @ts-expect-error The library's types were not written for exactOptionalPropertyTypes.
  return getClient(KMS, config)
}

async function encrypt(order: Order, generatorKeyId: string): Promise<void> {
  const keyring = new KmsKeyringNode({ clientProvider: clientProvider(order), generatorKeyId })
  await pipeline(
    withProgress(order.input, createReadStream(order.input)),
    encryptStream(keyring, { encryptionContext: order.context }),
    (ciphertext: AsyncIterable<Buffer>) => writeWholeFile(order.output, ciphertext),
  )
}

async function decrypt(order: Order): Promise<void> {
  const keyring = new KmsKeyringNode({
    clientProvider: clientProvider(order),
    ...(order.key === undefined ? { discovery: true } : { keyIds: [order.key] }),
  })
  const plaintext = decryptStream(keyring)
  // The message carries its context, and KMS has checked that it is the one it was encrypted with.
  // Whether it is the one that was expected here, only the caller can tell.
  plaintext.on('MessageHeader', ({ encryptionContext }: MessageHeader) => {
    const different = Object.entries(order.context).find(
      ([name, value]) => encryptionContext[name] !== value,
    )
    if (different !== undefined)
      plaintext.destroy(new Error(`the file was not encrypted with ${different.join('=')}`))
  })
  await pipeline(
    withProgress(order.input, createReadStream(order.input)),
    plaintext,
    // The last bytes come before the signature is verified; a file appears only behind both.
    (verified: AsyncIterable<Buffer>) => writeWholeFile(order.output, verified),
  )
}

await runExample(USAGE, async (order) => {
  if (order.mode === 'encrypt') await encrypt(order, order.key ?? '')
  else await decrypt(order)
})
