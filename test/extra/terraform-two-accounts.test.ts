import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test, { describe } from 'node:test'
import { DecryptCommand, EncryptCommand, KMSClient } from '@aws-sdk/client-kms'
import {
  AssumeRoleCommand,
  AssumeRoleWithWebIdentityCommand,
  type Credentials,
  STSClient,
} from '@aws-sdk/client-sts'
import { OidcIssuer } from '../support/oidc-issuer.ts'
import {
  runStrongroom,
  type ServerProcess,
  startServer,
  temporaryFolder,
} from '../support/server-process.ts'
import { Terraform, terraformSkip } from '../support/terraform.ts'

const REGION = 'eu-central-1'
const PAYMENTS = { purpose: 'payments' }
const FOREIGN =
  'because the resource does not exist in this Region, no resource-based policies allow access, or a resource-based policy explicitly denies access'

interface KeyPair {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string
}

const keysOf = (credentials: Credentials | undefined): KeyPair => {
  const { AccessKeyId, SecretAccessKey, SessionToken } = credentials ?? {}
  assert.ok(AccessKeyId && SecretAccessKey && SessionToken)
  return {
    accessKeyId: AccessKeyId,
    secretAccessKey: SecretAccessKey,
    sessionToken: SessionToken,
  }
}

/** Unmodified clients of one server, for whoever has credentials. */
class Clients {
  readonly #server: ServerProcess

  constructor(server: ServerProcess) {
    this.#server = server
  }

  #settings(credentials: KeyPair) {
    return { endpoint: this.#server.endpoint, region: REGION, credentials, maxAttempts: 1 }
  }

  async encrypt(who: KeyPair, keyId: string, context: Record<string, string>): Promise<Uint8Array> {
    const kms = new KMSClient(this.#settings(who))
    const Plaintext = Buffer.from('attack at dawn')
    const command = new EncryptCommand({ KeyId: keyId, Plaintext, EncryptionContext: context })
    const { CiphertextBlob } = await kms.send(command)
    assert.ok(CiphertextBlob)
    return CiphertextBlob
  }

  async decrypt(who: KeyPair, blob: Uint8Array, context: Record<string, string>, keyId?: string) {
    const kms = new KMSClient(this.#settings(who))
    const input = { CiphertextBlob: blob, EncryptionContext: context, KeyId: keyId }
    const { Plaintext } = await kms.send(new DecryptCommand(input))
    assert.equal(Buffer.from(Plaintext ?? []).toString(), 'attack at dawn')
  }

  async assumeRole(who: KeyPair, roleArn: string, externalId: string): Promise<KeyPair> {
    const sts = new STSClient(this.#settings(who))
    const input = { RoleArn: roleArn, RoleSessionName: 'work', ExternalId: externalId }
    return keysOf((await sts.send(new AssumeRoleCommand(input))).Credentials)
  }

  async assumeByToken(roleArn: string, token: string): Promise<KeyPair> {
    const sts = new STSClient({ endpoint: this.#server.endpoint, region: REGION })
    const input = { RoleArn: roleArn, RoleSessionName: 'build-7', WebIdentityToken: token }
    return keysOf((await sts.send(new AssumeRoleWithWebIdentityCommand(input))).Credentials)
  }
}

const refusesWith = (call: Promise<unknown>, message: string | RegExp): Promise<void> =>
  assert.rejects(call, { name: 'AccessDeniedException', message })

/** A command of the operator on the running server. */
async function operate(server: ServerProcess, ...args: readonly string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await runStrongroom([...args, '--data', server.dataFolder])
  assert.equal(exitCode, 0, stderr)
  return stdout
}

/** The server, who acts on it, and what Terraform made. */
interface Scene {
  readonly server: ServerProcess
  readonly clients: Clients
  readonly terraform: Terraform
  readonly a: KeyPair
  readonly alice: KeyPair
  readonly issuer: OidcIssuer
  readonly keyArn: string
  readonly readerArn: string
  readonly workerArn: string
}

/** Alice encrypts for payments and for nothing else; the alias stands for the key. */
async function encryptForPayments({ clients, alice }: Scene): Promise<Uint8Array> {
  const blob = await clients.encrypt(alice, 'alias/app', PAYMENTS)
  await refusesWith(
    clients.encrypt(alice, 'alias/app', { purpose: 'play' }),
    /^User: arn:aws:iam::\d{12}:user\/team\/alice is not authorized to perform: kms:Encrypt on resource: arn:aws:kms:eu-central-1:\d{12}:key\/[0-9a-f-]+ because no identity-based policy allows the kms:Encrypt action$/,
  )
  await refusesWith(clients.decrypt(alice, blob, PAYMENTS), /no identity-based policy allows/)
  return blob
}

/** The role of B, by a token of its provider and by no other. */
async function becomeReader(scene: Scene, blob: Uint8Array): Promise<KeyPair> {
  const { clients, issuer, readerArn, keyArn } = scene
  const subject = { sub: 'repo:payments/api', aud: 'sts.amazonaws.com' }
  await assert.rejects(
    clients.assumeByToken(readerArn, issuer.token({ ...subject, sub: 'repo:other/api' })),
    { name: 'AccessDenied' },
  )
  const reader = await clients.assumeByToken(readerArn, issuer.token(subject))
  await clients.decrypt(reader, blob, PAYMENTS)
  await clients.decrypt(reader, blob, PAYMENTS, keyArn)
  return reader
}

/** Either half removed: the very next call is denied, and who-can knows. */
async function removeHalves(
  { server, clients, terraform, keyArn, readerArn }: Scene,
  { blob, reader, session }: { blob: Uint8Array; reader: KeyPair; session: string },
): Promise<void> {
  const denied = `User: ${session} is not authorized to perform: kms:Decrypt`
  await terraform.apply({ iam_lets_b: 'false' })
  await refusesWith(
    clients.decrypt(reader, blob, PAYMENTS),
    `${denied} on the resource associated with this ciphertext because no identity-based policy allows the kms:Decrypt action`,
  )
  await refusesWith(
    clients.decrypt(reader, blob, PAYMENTS, keyArn),
    `${denied} on resource: ${keyArn} because no identity-based policy allows the kms:Decrypt action`,
  )
  assert.ok(!(await operate(server, 'who-can', 'kms:Decrypt', keyArn)).includes(readerArn))
  await terraform.apply({ key_policy_lets_b: 'false' })
  await refusesWith(
    clients.decrypt(reader, blob, PAYMENTS),
    `${denied} on the resource associated with this ciphertext ${FOREIGN}`,
  )
  await refusesWith(
    clients.decrypt(reader, blob, PAYMENTS, keyArn),
    `${denied} on this resource ${FOREIGN}`,
  )
  await terraform.apply()
  await terraform.assertNothingToDo()
  await clients.decrypt(reader, blob, PAYMENTS)
  assert.ok((await operate(server, 'who-can', 'kms:Decrypt', keyArn)).includes(readerArn))
}

/** The grant admits exactly its context. */
async function useGrant(scene: Scene, blob: Uint8Array): Promise<void> {
  const { server, clients, a, alice, keyArn, workerArn } = scene
  await assert.rejects(clients.assumeRole(alice, workerArn, 'another'), { name: 'AccessDenied' })
  const worker = await clients.assumeRole(alice, workerArn, 'two-accounts')
  await clients.decrypt(worker, blob, PAYMENTS)
  for (const context of [{}, { purpose: 'play' }, { ...PAYMENTS, more: 'x' }]) {
    const other = await clients.encrypt(a, 'alias/app', context)
    await refusesWith(clients.decrypt(worker, other, context), /kms:Decrypt/)
    await clients.decrypt(a, other, context)
  }
  assert.match(await operate(server, 'who-can', 'kms:Decrypt', keyArn), /grant/i)
}

describe('two accounts that Terraform made', { skip: terraformSkip }, () => {
  test('share a key by policy, IAM and grants, and whoever may not is told so', async () => {
    await using server = await startServer()
    const clients = new Clients(server)
    const a = server.credentials
    const b: KeyPair & { readonly accountId: string } = JSON.parse(
      await operate(server, 'account', 'create', '--json'),
    )
    const issuer = new OidcIssuer('https://token.ci.example.com/org')
    const terraform = new Terraform('examples/two-accounts', server.endpoint, {
      variables: { b: JSON.stringify(b), issuer: issuer.url },
      environment: {
        AWS_ACCESS_KEY_ID: a.accessKeyId,
        AWS_SECRET_ACCESS_KEY: a.secretAccessKey,
        AWS_REGION: REGION,
      },
    })
    await terraform.init()
    await terraform.apply()
    await terraform.assertNothingToDo()

    const keySet = join(temporaryFolder(), 'jwks.json')
    writeFileSync(keySet, issuer.jwks)
    await operate(server, 'oidc', 'set-keys', issuer.url, keySet)

    const made = await terraform.outputs()
    const { key_arn: keyArn = '', reader_arn: readerArn = '', worker_arn: workerArn = '' } = made
    const alice = {
      accessKeyId: made['alice_key_id'] ?? '',
      secretAccessKey: made['alice_secret'] ?? '',
    }

    const scene = { server, clients, terraform, a, alice, issuer, keyArn, readerArn, workerArn }
    const blob = await encryptForPayments(scene)
    const reader = await becomeReader(scene, blob)
    const session = `arn:aws:sts::${b.accountId}:assumed-role/reader/build-7`
    await removeHalves(scene, { blob, reader, session })
    await useGrant(scene, blob)

    await terraform.destroy()
    // What Terraform destroys of a key is its use: its deletion is scheduled.
    await assert.rejects(clients.decrypt(a, blob, PAYMENTS), { name: 'KMSInvalidStateException' })
    await server.stop()
  })
})
