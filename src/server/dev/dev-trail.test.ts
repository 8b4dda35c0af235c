import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { CreateKeyCommand, KMSClient } from '@aws-sdk/client-kms'
import { checkChain, shown } from '../../../test/support/trail-fixture.ts'
import { startDev } from './dev.ts'

const ACCOUNT = '111122223333'
const REGION = 'us-east-1'

const server = await startDev({
  port: 0,
  host: '127.0.0.1',
  account: ACCOUNT,
  region: REGION,
  allowPlainHttp: false,
  logLevel: 'silent',
})
after(() => server.stop())

const client = new KMSClient({
  endpoint: server.endpoint,
  region: REGION,
  credentials: { accessKeyId: ACCOUNT, secretAccessKey: 'any' },
})
const call = () => client.send(new CreateKeyCommand({}))
const chain = () => checkChain(server.trailFiles(), { accountId: ACCOUNT, region: REGION })

describe('the trail of strongroom dev', () => {
  test('moving the clock past an hour closes the files of that hour before the reply', async () => {
    await server.controls.set(Date.parse('2031-05-01T10:20:00Z'))
    await call()
    await server.controls.advance(1_800_000)
    assert.equal((await server.trailFiles().objects.accounts()).length, 0)
    await server.controls.advance(1_800_000)
    const [digest, ...more] = await chain()
    assert.deepEqual(more, [])
    assert.equal(digest?.digest.digestStartTime, '2031-05-01T10:00:00Z')
    assert.equal(digest?.digest.logFiles[0]?.oldestEventTime, '2031-05-01T10:20:00Z')
  })

  test('a clock that jumps by years, and back, keeps one chain', async () => {
    await server.controls.set(Date.parse('2099-01-01T00:00:00Z'))
    await server.controls.set(Date.parse('2026-01-01T00:00:00Z'))
    await call()
    await server.controls.advance(7_200_000)
    await server.controls.set(Date.parse('2099-01-01T01:00:00Z'))
    const times = (await chain()).map((digest) => shown(digest).slice(0, 27))
    assert.deepEqual(times.slice(1), ['2031-05-01T11 2099-01-01T00', '2099-01-01T00 2099-01-01T01'])
  })

  test('a reset begins anew', async () => {
    await server.controls.reset()
    assert.deepEqual(await server.trailFiles().objects.accounts(), [])
  })
})
