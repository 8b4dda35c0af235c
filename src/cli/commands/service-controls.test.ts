import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { fakeOperator, runFake as run } from '../../../test/support/fake-terminal.ts'

describe('service control policies on the command line', () => {
  const scp = {
    accountId: '111122223333',
    policy: '{"Version":"2012-10-17"}',
    updatedAt: '2030-01-01T00:00:00.000Z',
  }
  let folder = ''
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'scp-'))
    await writeFile(join(folder, 'scp.json'), scp.policy)
  })
  after(() => rm(folder, { recursive: true }))

  test('are read from a file, set, shown and removed', async () => {
    const asked: unknown[] = []
    const { openOperator } = fakeOperator({
      setServiceControl: async (request) => {
        asked.push(request)
        return scp
      },
      getServiceControl: async () => scp,
      removeServiceControl: async ({ accountId }) => ({ accountId }),
    })
    const file = join(folder, 'scp.json')
    const set = await run(['account', 'set-scp', '111122223333', file], { openOperator })
    assert.equal(set.stdout, 'The service control policy of account 111122223333 is in force.\n')
    assert.deepEqual(asked, [{ accountId: scp.accountId, policy: scp.policy }])
    const show = await run(['account', 'show-scp', '111122223333'], { openOperator })
    assert.equal(show.stdout, `${scp.policy}\n`)
    const json = await run(['account', 'show-scp', '111122223333', '--json'], { openOperator })
    assert.deepEqual(JSON.parse(json.stdout), scp)
    const removed = await run(['account', 'remove-scp', '111122223333'], { openOperator })
    assert.match(removed.stdout, /has no service control policy any more/)
  })

  test('a file that is not there and an account that is none are told apart, and not repeated', async () => {
    const { openOperator } = fakeOperator({})
    const missing = join(folder, 'missing.json')
    const noFile = await run(['account', 'set-scp', '111122223333', missing], { openOperator })
    assert.deepEqual(
      [noFile.exitCode, noFile.stderr],
      [1, 'strongroom: the policy file was not read: there is no such file\n'],
    )
    const noAccount = await run(['account', 'set-scp', 'secret', missing], { openOperator })
    assert.equal(noAccount.exitCode, 2)
    assert.match(noAccount.stderr, /an account id has 12 digits/)
    assert.ok(!noAccount.stderr.includes('secret'))
  })
})
