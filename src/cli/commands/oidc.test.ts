import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { fakeOperator, runFake as run } from '../../../test/support/fake-terminal.ts'

describe('keys of identity providers on the command line', () => {
  const url = 'https://token.example.com'
  const summary = { providerUrl: url, keys: ['a', 'b'], updatedAt: '2030-01-01T00:00:00.000Z' }
  let folder = ''
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'oidc-'))
    await writeFile(join(folder, 'jwks.json'), '{"keys":[]}')
  })
  after(() => rm(folder, { recursive: true }))

  test('are read from a file, set, listed and removed', async () => {
    const asked: unknown[] = []
    const { openOperator } = fakeOperator({
      setOidcKeys: async (request) => {
        asked.push(request)
        return summary
      },
      listOidcKeys: async () => [summary],
      removeOidcKeys: async ({ providerUrl }) => ({ providerUrl }),
    })
    const set = await run(['oidc', 'set-keys', url, join(folder, 'jwks.json')], { openOperator })
    assert.equal(set.stdout, `Tokens of ${url} are verified with 2 keys.\n`)
    assert.deepEqual(asked, [{ providerUrl: url, keySet: '{"keys":[]}' }])
    const list = await run(['oidc', 'list'], { openOperator })
    assert.equal(list.stdout, `${url}  2030-01-01T00:00:00.000Z  a,b\n`)
    const json = await run(['oidc', 'list', '--json'], { openOperator })
    assert.deepEqual(JSON.parse(json.stdout), [summary])
    const removed = await run(['oidc', 'remove-keys', url], { openOperator })
    assert.equal(removed.stdout, `The keys of ${url} are fetched from it again.\n`)
  })

  test('a file that is not there is told', async () => {
    const { openOperator } = fakeOperator({})
    const missing = join(folder, 'missing.json')
    const outcome = await run(['oidc', 'set-keys', url, missing], { openOperator })
    assert.deepEqual(
      [outcome.exitCode, outcome.stderr],
      [1, 'strongroom: the key file was not read: there is no such file\n'],
    )
  })
})
