import assert from 'node:assert/strict'
import test, { describe } from 'node:test'
import { A_STATUS, fakeOperator, runFake as run } from '../../../test/support/fake-terminal.ts'
import { OperatorError } from '../../core/errors.ts'

describe('operator commands', () => {
  const issued = { accountId: '111122223333', accessKeyId: 'AKIANEW', secretAccessKey: 's3cret' }
  const account = {
    accountId: '111122223333',
    name: 'payments',
    createdAt: '2030-01-01T00:00:00.000Z',
    accessKeyIds: ['AKIAOLD'],
  }

  test('status is for people, or JSON', async () => {
    const { openOperator, closed } = fakeOperator({ status: async () => A_STATUS })
    const text = await run(['status'], { openOperator })
    assert.match(text.stdout, /^node +running at http:\/\/127\.0\.0\.1:7600\n/)
    assert.match(text.stdout, /seal +keyfile, \/data\/root\.key\n/)
    const json = await run(['status', '--json'], { openOperator })
    assert.deepEqual(JSON.parse(json.stdout), A_STATUS)
    assert.equal(closed(), 2)
  })

  test('status names the damage of a log', async () => {
    const audit = { ...A_STATUS.audit, damage: 'the log was cut off' }
    const { openOperator } = fakeOperator({ status: async () => ({ ...A_STATUS, audit }) })
    const { exitCode, stdout } = await run(['status'], { openOperator })
    assert.match(stdout, /\n {13}DAMAGED: the log was cut off; see strongroom audit verify\n$/)
    assert.equal(exitCode, 0)
  })

  test('account create passes what was given and prints the secret once', async () => {
    const requests: unknown[] = []
    const { openOperator } = fakeOperator({
      createAccount: async (request) => {
        requests.push(request)
        return issued
      },
    })
    const text = await run(['account', 'create'], { openOperator })
    assert.equal(text.stdout.split('s3cret').length, 2)
    const argv = 'account create --account 111122223333 --name payments --json'.split(' ')
    const json = await run(argv, { openOperator })
    assert.deepEqual(JSON.parse(json.stdout), issued)
    assert.deepEqual(requests, [{}, { accountId: '111122223333', name: 'payments' }])
  })

  test('account list shows one account a line', async () => {
    const { openOperator } = fakeOperator({ listAccounts: async () => [account] })
    const { stdout } = await run(['account', 'list'], { openOperator })
    assert.equal(stdout, '111122223333  2030-01-01T00:00:00.000Z  AKIAOLD  payments\n')
  })

  test('credentials rotate takes the only account, and asks which of several', async () => {
    const rotated: string[] = []
    const rotateCredentials = async ({ accountId }: { readonly accountId: string }) => {
      rotated.push(accountId)
      return issued
    }
    const one = fakeOperator({ rotateCredentials, listAccounts: async () => [account] })
    assert.equal((await run(['credentials', 'rotate'], one)).exitCode, 0)
    const two = fakeOperator({ rotateCredentials, listAccounts: async () => [account, account] })
    const unclear = await run(['credentials', 'rotate'], { openOperator: two.openOperator })
    assert.equal(unclear.exitCode, 2)
    assert.match(unclear.stderr, /which of the 2 accounts\?\nName it: --account ID/)
    assert.equal(two.closed(), 1)
    const named = 'credentials rotate --account 999999999999'.split(' ')
    await run(named, { openOperator: two.openOperator })
    assert.deepEqual(rotated, ['111122223333', '999999999999'])
  })

  test('key rotation says what was done', async () => {
    const { openOperator } = fakeOperator({
      rotateDomainKey: async () => ({ domainKeyId: 'd2', rewrapped: 7 }),
      rotateRootKey: async () => ({ rootKeyId: 'r2' }),
    })
    const domain = await run(['rotate-domain-key'], { openOperator })
    assert.equal(domain.stdout, 'The domain key is now d2; 7 records rewritten under it.\n')
    const root = await run(['rotate-root-key', '--json'], { openOperator })
    assert.equal(root.stdout, '{"rootKeyId":"r2"}\n')
  })

  test('the door is closed also when the call fails', async () => {
    const { openOperator, closed } = fakeOperator({
      rotateRootKey: async () => {
        throw new OperatorError('the key file cannot be written')
      },
    })
    const outcome = await run(['rotate-root-key'], { openOperator })
    assert.deepEqual(
      [outcome.exitCode, outcome.stderr, closed()],
      [1, 'strongroom: the key file cannot be written\n', 1],
    )
  })
})
