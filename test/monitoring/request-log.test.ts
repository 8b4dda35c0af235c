import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { startBusyNode } from './busy-node.ts'

describe('--log-requests', () => {
  test('has a line for each request, with its outcome and nothing of what was asked', async () => {
    await using node = await startBusyNode(['--log-requests'])
    await node.server.stop()
    const lines = node.server.stderr
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line): Record<string, string> => JSON.parse(line))
      .filter(({ msg }) => msg === 'request')
    const encrypts = lines.filter(({ operation }) => operation === 'Encrypt')
    assert.deepEqual(
      encrypts.map(({ outcome, code = '' }) => `${outcome} ${code}`.trimEnd()),
      [
        ...Array.from({ length: 5 }, () => 'success'),
        'denied AccessDeniedException',
        'client_error NotFoundException',
        'client_error KMSInvalidStateException',
      ],
    )
    for (const line of lines) {
      const names = Object.keys(line).filter((name) => name !== 'code')
      assert.equal(names.join(), 'level,time,requestId,service,operation,outcome,ms,msg')
      assert.match(String(line['requestId']), /^[0-9a-f-]{36}$/)
    }
    assert.ok(lines.some(({ code }) => code === 'InvalidSignatureException'))
    assert.ok(lines.some(({ outcome }) => outcome === 'throttled'))
    for (const secret of [node.keyArn, Buffer.from('text').toString('base64')]) {
      assert.ok(!node.server.stderr.includes(secret), 'nothing of a request is in the log')
    }
  })
})
