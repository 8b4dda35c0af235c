import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test, { describe } from 'node:test'
import { AwsShell, awsIsMissing } from '../support/aws-shell.ts'
import { runStrongroom, startServer, temporaryFolder } from '../support/server-process.ts'

describe('the AWS CLI, unmodified', { skip: awsIsMissing }, () => {
  test('leads a key through its whole life', async () => {
    await using server = await startServer()
    const aws = await AwsShell.beside(server)
    const folder = temporaryFolder()
    const [plain, sealed] = [join(folder, 'plain'), join(folder, 'sealed')]
    writeFileSync(plain, 'attack at dawn')

    const account = await aws.answer('sts', 'get-caller-identity', '--query', 'Account')
    assert.match(account, /^\d{12}$/)
    const key = await aws.answer('kms', 'create-key', '--query', 'KeyMetadata.KeyId')
    await aws.answer('kms', 'create-alias', '--alias-name', 'alias/app', '--target-key-id', key)
    const context = ['--encryption-context', 'purpose=test']
    const encrypt = ['kms', 'encrypt', '--key-id', 'alias/app', '--plaintext', `fileb://${plain}`]
    const blob = await aws.answer(...encrypt, ...context, '--query', 'CiphertextBlob')
    assert.match(blob, /^AQIC/)
    writeFileSync(sealed, Buffer.from(blob, 'base64'))

    const decrypt = [
      'kms',
      'decrypt',
      '--ciphertext-blob',
      `fileb://${sealed}`,
      '--query',
      'Plaintext',
    ]
    const opened = await aws.answer(...decrypt, ...context)
    assert.equal(Buffer.from(opened, 'base64').toString(), 'attack at dawn')
    assert.match(
      await aws.refusal(...decrypt),
      /\(InvalidCiphertextException\) when calling the Decrypt/,
    )

    const tampered = readFileSync(sealed)
    tampered[tampered.length - 1] = (tampered.at(-1) ?? 0) ^ 1
    writeFileSync(join(folder, 'tampered'), tampered)
    const wrong = ['kms', 'decrypt', '--ciphertext-blob', `fileb://${join(folder, 'tampered')}`]
    assert.match(await aws.refusal(...wrong, ...context), /\(InvalidCiphertextException\)/)

    await aws.answer('kms', 'disable-key', '--key-id', key)
    const disabled = await aws.refusal(...decrypt, ...context)
    assert.match(
      disabled,
      /\(DisabledException\).*arn:aws:kms:us-east-1:\d{12}:key\/.* is disabled\./,
    )
    await aws.answer('kms', 'enable-key', '--key-id', key)
    await aws.answer(
      'kms',
      'schedule-key-deletion',
      '--key-id',
      key,
      '--pending-window-in-days',
      '7',
    )
    const pending = await aws.refusal(...decrypt, ...context)
    assert.match(pending, /\(KMSInvalidStateException\).* is pending deletion\./)
    await aws.answer('kms', 'cancel-key-deletion', '--key-id', key)
    await aws.answer('kms', 'enable-key', '--key-id', key)
    assert.equal(await aws.answer(...decrypt, ...context), opened)
    await server.stop()
  })

  test('of another account may not use the key', async () => {
    await using server = await startServer()
    const aws = await AwsShell.beside(server)
    const arn = await aws.answer('kms', 'create-key', '--query', 'KeyMetadata.Arn')
    const created = await runStrongroom([
      'account',
      'create',
      '--json',
      '--data',
      server.dataFolder,
    ])
    const other: { readonly accessKeyId: string; readonly secretAccessKey: string } = JSON.parse(
      created.stdout,
    )
    const { exitCode, stderr } = await aws.run(['kms', 'describe-key', '--key-id', arn], {
      AWS_ACCESS_KEY_ID: other.accessKeyId,
      AWS_SECRET_ACCESS_KEY: other.secretAccessKey,
    })
    assert.notEqual(exitCode, 0)
    assert.match(stderr, /\(AccessDeniedException\) when calling the DescribeKey/)
    await server.stop()
  })

  test("trusts the node's own CA by what strongroom env says", async () => {
    await using server = await startServer({ flags: ['--tls'] })
    assert.match(server.endpoint, /^https:/)
    const aws = await AwsShell.beside(server)
    assert.equal(await aws.answer('kms', 'list-keys', '--query', 'length(Keys)'), '0')
    await server.stop()
  })
})
