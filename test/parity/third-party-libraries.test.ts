import assert from 'node:assert/strict'
import { createPublicKey, verify } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { CreateKeyCommand, GetPublicKeyCommand, SignCommand } from '@aws-sdk/client-kms'
import { AwsKmsSigner } from '@cuonghx.gu-tech/ethers-aws-kms-signer'
import { computeAddress, recoverAddress, Transaction, verifyMessage, verifyTypedData } from 'ethers'
// @ts-expect-error -- the package has no types
import JWTKMS from 'jwt-kms-v3'
import { ACCOUNT, kmsClient, newKey, publicKeyOf, REGION } from '../support/kms-client.ts'
import { type MemoryNode, startMemoryNode } from '../support/memory-node.ts'

const credentials = { accessKeyId: ACCOUNT, secretAccessKey: 'any' }

describe('libraries from npm work unmodified', () => {
  let node: MemoryNode

  before(async () => {
    node = await startMemoryNode()
    // The signer makes its own client, which takes its endpoint from here as every AWS client does.
    process.env['AWS_ENDPOINT_URL_KMS'] = node.endpoint
  })

  after(async () => {
    delete process.env['AWS_ENDPOINT_URL_KMS']
    await node.close()
  })

  test('an Ethereum signer signs messages, typed data and transactions', async () => {
    const kms = kmsClient(node.endpoint)
    const keyId = await newKey(kms, 'ECC_SECG_P256K1', 'SIGN_VERIFY')
    const signer = new AwsKmsSigner({ credentials, region: REGION, keyId })
    const address = await signer.getAddress()

    const spki = createPublicKey({
      key: Buffer.from(await publicKeyOf(kms, keyId)),
      format: 'der',
      type: 'spki',
    })
    const { x, y } = spki.export({ format: 'jwk' })
    const point = `04${Buffer.from(`${x}`, 'base64url').toString('hex')}${Buffer.from(`${y}`, 'base64url').toString('hex')}`
    assert.equal(computeAddress(`0x${point}`).toLowerCase(), address.toLowerCase())

    const message = 'I own this account'
    assert.equal(
      verifyMessage(message, await signer.signMessage(message)).toLowerCase(),
      address.toLowerCase(),
    )
    const domain = { name: 'Ether Mail', version: '1', chainId: 1 }
    const types = { Person: [{ name: 'name', type: 'string' }] }
    const signature = await signer.signTypedData(domain, types, { name: 'Bob' })
    assert.equal(
      verifyTypedData(domain, types, { name: 'Bob' }, signature).toLowerCase(),
      address.toLowerCase(),
    )
    const signed = Transaction.from(
      await signer.signTransaction({
        to: '0x70997970C51812dc3A010C7d01b50e0d17dc79C8',
        value: 1n,
        nonce: 0,
        gasLimit: 21_000n,
        maxFeePerGas: 1n,
        maxPriorityFeePerGas: 1n,
        chainId: 1,
        type: 2,
        from: null,
      }),
    )
    assert.ok(signed.signature)
    assert.equal(
      recoverAddress(signed.unsignedHash, signed.signature).toLowerCase(),
      address.toLowerCase(),
    )
    kms.destroy()
  })

  test('a JWT library seals its tokens and refuses altered ones', async () => {
    const kms = kmsClient(node.endpoint)
    const { KeyMetadata } = await kms.send(new CreateKeyCommand({}))
    const jwt = new JWTKMS({ aws: { endpoint: node.endpoint, region: REGION, credentials } })
    const token: string = await jwt.sign({ foo: 'bar' }, KeyMetadata?.Arn)
    assert.equal((await jwt.verify(token)).foo, 'bar')
    const [header, , seal] = token.split('.')
    const forged = Buffer.from('{"foo":"admin"}').toString('base64url')
    await assert.rejects(jwt.verify(`${header}.${forged}.${seal}`), /Signature wasn't valid/)
    kms.destroy()
  })

  test('a JSON Web Signature made with Sign over a digest verifies in node:crypto', async () => {
    const kms = kmsClient(node.endpoint)
    const keyId = await newKey(kms, 'ECC_NIST_P256', 'SIGN_VERIFY')
    const { PublicKey } = await kms.send(new GetPublicKeyCommand({ KeyId: keyId }))
    assert.ok(PublicKey)
    const input = `${Buffer.from('{"alg":"ES256"}').toString('base64url')}.${Buffer.from('{}').toString('base64url')}`
    const digest = new Uint8Array(
      await crypto.subtle.digest('SHA-256', new TextEncoder().encode(input)),
    )
    const { Signature } = await kms.send(
      new SignCommand({
        KeyId: keyId,
        Message: digest,
        MessageType: 'DIGEST',
        SigningAlgorithm: 'ECDSA_SHA_256',
      }),
    )
    assert.ok(Signature)
    const publicKey = createPublicKey({ key: Buffer.from(PublicKey), format: 'der', type: 'spki' })
    assert.ok(verify('sha256', Buffer.from(input), publicKey, Signature))
    kms.destroy()
  })
})
