import assert from 'node:assert/strict'
import test, { describe } from 'node:test'
import type { ErrorCode } from '../core/errors.ts'
import { CallMeter, outcomeOf } from './call-meter.ts'
import { exposeMetrics } from './exposition.ts'
import { Registry } from './registry.ts'

const ENCRYPT = { name: 'Encrypt' }

function meter() {
  const registry = new Registry()
  const calls = new CallMeter(registry)
  calls.register({ name: 'kms', operations: new Map([['Encrypt', ENCRYPT]]) })
  const end = (
    code: ErrorCode | undefined,
    { publicMessage, isRefusal = false }: { publicMessage?: string; isRefusal?: boolean } = {},
  ): void => {
    const seconds = 0.002
    if (code === undefined) calls.succeeded(ENCRYPT, seconds)
    else {
      const error = { code, publicMessage }
      calls.failed({ service: 'kms', operation: ENCRYPT, isRefusal, seconds, error })
    }
  }
  const samples = async (name: string): Promise<string[]> =>
    exposeMetrics(await registry.collect(), 'prometheus')
      .split('\n')
      .filter((line) => line.startsWith(name))
  return { calls, end, samples }
}

describe('a call', () => {
  test('is counted by service, operation and outcome, and timed', async () => {
    const { end, samples } = meter()
    end(undefined)
    end(undefined)
    end('AccessDeniedException')
    end('NotFoundException')
    end('KMSInternalException')
    assert.deepEqual(await samples('strongroom_requests_total'), [
      'strongroom_requests_total{service="kms",operation="Encrypt",outcome="success"} 2',
      'strongroom_requests_total{service="kms",operation="Encrypt",outcome="denied"} 1',
      'strongroom_requests_total{service="kms",operation="Encrypt",outcome="client_error"} 1',
      'strongroom_requests_total{service="kms",operation="Encrypt",outcome="server_error"} 1',
    ])
    assert.deepEqual(await samples('strongroom_request_duration_seconds_count'), [
      'strongroom_request_duration_seconds_count{service="kms",operation="Encrypt"} 5',
    ])
    assert.deepEqual(await samples('strongroom_request_errors_total'), [
      'strongroom_request_errors_total{service="kms",code="AccessDeniedException"} 1',
      'strongroom_request_errors_total{service="kms",code="NotFoundException"} 1',
      'strongroom_request_errors_total{service="kms",code="KMSInternalException"} 1',
    ])
  })

  test('above its rate is a throttled one, and a refusal', async () => {
    const { end, samples } = meter()
    end('ThrottlingException', { isRefusal: true })
    assert.deepEqual(await samples('strongroom_requests_total'), [
      'strongroom_requests_total{service="kms",operation="Encrypt",outcome="throttled"} 1',
    ])
    assert.deepEqual(await samples('strongroom_refusals_total'), [
      'strongroom_refusals_total{service="kms",code="ThrottlingException"} 1',
    ])
  })

  test('that never was one is a refusal alone', async () => {
    const { end, samples } = meter()
    end('InvalidSignatureException', { isRefusal: true })
    assert.deepEqual(await samples('strongroom_requests_total'), [])
    assert.deepEqual(await samples('strongroom_refusals_total'), [
      'strongroom_refusals_total{service="kms",code="InvalidSignatureException"} 1',
    ])
  })

  test('with a key that is pending deletion is counted for itself', async () => {
    const { end, samples } = meter()
    const arn = 'arn:aws:kms:us-east-1:111122223333:key/1'
    end('KMSInvalidStateException', { publicMessage: `${arn} is not pending deletion.` })
    end('KMSInvalidStateException', { publicMessage: `${arn} is pending deletion.` })
    assert.deepEqual(await samples('strongroom_uses_of_keys_pending_deletion_total'), [
      'strongroom_uses_of_keys_pending_deletion_total 1',
    ])
  })

  test('with a code that no model has makes no series of its own', async () => {
    const { calls, samples } = meter()
    // What the type forbids, and a mistake of ours might bring.
    const error = { code: 'Invented-4711' as ErrorCode, publicMessage: undefined }
    calls.failed({ service: 'kms', operation: undefined, isRefusal: true, seconds: 0, error })
    assert.deepEqual(await samples('strongroom_refusals_total'), [
      'strongroom_refusals_total{service="kms",code="other"} 1',
    ])
  })
})

test('decisions are counted by what decided', async () => {
  const { calls, samples } = meter()
  calls.allowed('grant')
  calls.allowed('grant')
  calls.denied('resource-policy', true)
  calls.denied('resource-policy', false)
  assert.deepEqual(await samples('strongroom_authorization_decisions_total'), [
    'strongroom_authorization_decisions_total{result="allowed",decided_by="grant"} 2',
    'strongroom_authorization_decisions_total{result="denied_explicitly",decided_by="resource-policy"} 1',
    'strongroom_authorization_decisions_total{result="denied",decided_by="resource-policy"} 1',
  ])
})

test('outcomes tell whose fault it was', () => {
  assert.equal(outcomeOf('InternalFailure'), 'server_error')
  assert.equal(outcomeOf('KeyUnavailableException'), 'server_error')
  assert.equal(outcomeOf('ValidationException'), 'client_error')
})
