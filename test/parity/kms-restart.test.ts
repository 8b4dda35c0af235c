import assert from 'node:assert/strict'
import { cpSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import * as sdk from '@aws-sdk/client-kms'
import { KEY_SPECS, type KeySpec, keySpecRow } from '../../src/core/key-specs.ts'
import {
  runStrongroom,
  type ServerProcess,
  startServer,
  temporaryFolder,
} from '../support/server-process.ts'

const Message = Buffer.from('what outlives the process')

/** Something that a key made before the restart, and that only this key can tell from anything else. */
interface Keepsake {
  readonly keyId: string
  readonly region: string
  check(kms: sdk.KMSClient): Promise<void>
}

const clientOf = ({ endpoint, credentials }: ServerProcess, region: string): sdk.KMSClient =>
  new sdk.KMSClient({ endpoint, region, credentials, maxAttempts: 1 })

/** Makes a key of a spec, has it make something, and says how that is checked. */
async function keepsakeOf(kms: sdk.KMSClient, spec: KeySpec, region: string): Promise<Keepsake> {
  const row = keySpecRow(spec)
  const [KeyUsage] = row.usages.includes('SIGN_VERIFY') ? ['SIGN_VERIFY' as const] : row.usages
  const { KeyMetadata } = await kms.send(new sdk.CreateKeyCommand({ KeySpec: spec, KeyUsage }))
  const KeyId = KeyMetadata?.KeyId ?? ''
  const kept = { keyId: KeyId, region }
  if (spec === 'SYMMETRIC_DEFAULT') {
    const { CiphertextBlob } = await kms.send(new sdk.EncryptCommand({ KeyId, Plaintext: Message }))
    await kms.send(new sdk.RotateKeyOnDemandCommand({ KeyId }))
    return {
      ...kept,
      check: async (later) => {
        const opened = await later.send(new sdk.DecryptCommand({ CiphertextBlob }))
        assert.deepEqual(Buffer.from(opened.Plaintext ?? []), Message)
      },
    }
  }
  const [MacAlgorithm] = row.macAlgorithms ?? []
  if (MacAlgorithm !== undefined) {
    const { Mac } = await kms.send(new sdk.GenerateMacCommand({ KeyId, Message, MacAlgorithm }))
    return {
      ...kept,
      check: async (later) =>
        void (await later.send(new sdk.VerifyMacCommand({ KeyId, Message, MacAlgorithm, Mac }))),
    }
  }
  const [EncapsulationAlgorithm] = row.encapsulationAlgorithms ?? []
  if (EncapsulationAlgorithm !== undefined) {
    const sent = await kms.send(new sdk.EncapsulateCommand({ KeyId, EncapsulationAlgorithm }))
    return {
      ...kept,
      check: async (later) => {
        const { SharedSecretCiphertextBlob } = sent
        const input = { KeyId, EncapsulationAlgorithm, SharedSecretCiphertextBlob }
        const { SharedSecret } = await later.send(new sdk.DecapsulateCommand(input))
        assert.deepEqual(SharedSecret, sent.SharedSecret)
      },
    }
  }
  const SigningAlgorithm = row.signingAlgorithms?.[0]
  const { Signature } = await kms.send(new sdk.SignCommand({ KeyId, Message, SigningAlgorithm }))
  return {
    ...kept,
    check: async (later) =>
      void (await later.send(
        new sdk.VerifyCommand({ KeyId, Message, SigningAlgorithm, Signature }),
      )),
  }
}

async function checkAll(server: ServerProcess, keepsakes: readonly Keepsake[]): Promise<void> {
  for (const region of new Set(keepsakes.map((kept) => kept.region))) {
    const kms = clientOf(server, region)
    for (const kept of keepsakes.filter((each) => each.region === region)) await kept.check(kms)
    kms.destroy()
  }
}

describe('a key of every spec', () => {
  test('survives a restart, the rotation of domain and root key, and a copy of the folder', async () => {
    const folder = temporaryFolder()
    const dataFolder = join(folder, 'node')
    const keepsakes: Keepsake[] = []
    {
      await using server = await startServer({ dataFolder })
      for (const spec of Object.keys(KEY_SPECS).filter(
        (name): name is KeySpec => name in KEY_SPECS,
      )) {
        const region = keySpecRow(spec).partition === 'aws-cn' ? 'cn-north-1' : 'eu-central-1'
        const kms = clientOf(server, region)
        keepsakes.push(await keepsakeOf(kms, spec, region))
        kms.destroy()
      }
      await checkAll(server, keepsakes)
      for (const command of ['rotate-domain-key', 'rotate-root-key']) {
        const { exitCode, stderr } = await runStrongroom([command, '--data', dataFolder])
        assert.equal(exitCode, 0, stderr)
      }
      await checkAll(server, keepsakes)
      await server.stop()
    }
    assert.equal(keepsakes.length, Object.keys(KEY_SPECS).length)
    const copy = join(folder, 'copy')
    cpSync(dataFolder, copy, { recursive: true })
    for (const place of [dataFolder, copy]) {
      await using server = await startServer({ dataFolder: place })
      await checkAll(server, keepsakes)
      await server.stop()
    }
  })
})
