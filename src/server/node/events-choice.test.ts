import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { WEBHOOK_SECRET } from '../../../test/support/webhook-receiver.ts'
import type { EventOptions } from '../../cli/program.ts'
import { OperatorError } from '../../core/errors.ts'
import { chooseEvents } from './events-choice.ts'

describe('the sinks of events', () => {
  const folder = mkdtempSync(join(tmpdir(), 'events-'))
  const webhookSecretFile = join(folder, 'secret')
  writeFileSync(webhookSecretFile, WEBHOOK_SECRET)
  writeFileSync(join(folder, 'bad'), 'hunter2')
  after(() => rmSync(folder, { recursive: true }))

  const names = (to: readonly string[], more: Partial<EventOptions> = {}): readonly string[] => {
    const options = { to, apiCalls: 'none', allowPlainHttp: false, webhookSecretFile } as const
    return chooseEvents({ ...options, ...more }).sinks.map(({ name }) => name)
  }
  const refused = (pattern: RegExp) => (error: unknown) => {
    assert.ok(error instanceof OperatorError)
    assert.match(error.message, pattern)
    return true
  }

  test('are none where none is named', () => {
    assert.deepEqual(chooseEvents(undefined), { sinks: [], apiCalls: 'none' })
  })

  test('have names without what may be secret', () => {
    const [file, plain, token, other] = names([
      'file:/var/log/events',
      'webhook:http://127.0.0.1:8080/hook',
      'webhook:https://example.com/hook?token=hunter2',
      'webhook:https://example.com/hook?token=hunter3',
    ])
    assert.equal(file, 'file:/var/log/events')
    assert.equal(plain, 'webhook:http://127.0.0.1:8080/hook')
    assert.match(token ?? '', /^webhook:https:\/\/example\.com\/hook\?[0-9a-f]{8}$/)
    assert.notEqual(token, other)
  })

  test('are refused where something is wrong with them', () => {
    assert.throws(() => names(['mail:a@b']), refused(/takes webhook:URL/))
    assert.throws(() => names(['webhook:ftp://a/']), refused(/takes an https URL/))
    assert.throws(() => names(['webhook:https://u:p@a/']), refused(/without credentials/))
    assert.throws(() => names(['webhook:http://10.0.0.1/']), refused(/plain HTTP/))
    assert.throws(() => names(['stdout', 'stdout']), refused(/the same sink twice/))
    const bad = { webhookSecretFile: join(folder, 'bad') }
    assert.throws(
      () => names(['webhook:https://a/'], bad),
      (error) => {
        assert.ok(error instanceof OperatorError)
        assert.match(error.message, /does not hold a secret/)
        assert.doesNotMatch(error.message, /hunter2/)
        return true
      },
    )
    const missing = { webhookSecretFile: join(folder, 'missing') }
    assert.throws(() => names(['webhook:https://a/'], missing), refused(/cannot be read/))
  })

  test('may be plain HTTP in a private network where that was said', () => {
    const [name] = names(['webhook:http://10.0.0.1/hook'], { allowPlainHttp: true })
    assert.equal(name, 'webhook:http://10.0.0.1/hook')
  })
})
