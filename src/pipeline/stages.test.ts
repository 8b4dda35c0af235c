import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { callBy, rootOfAccount } from '../../test/support/principals.ts'
import type { Decision } from '../authz/decision.ts'
import { ForeignMiss, type Permission } from '../authz/permission.ts'
import { ServiceError } from '../core/errors.ts'
import { anotherAccount, instant } from '../core/ids.ts'
import type { RecordStore } from '../core/records.ts'
import type { Authorizer } from './authorizer.ts'
import type { Call } from './call.ts'
import type { AnyOperation } from './operation.ts'
import type { Service } from './service.ts'
import { type Prepared, runRead, runWrite } from './stages.ts'

const ALLOWED: Decision = { allowed: true, path: 'root', grounds: [] }
const DENIED: Decision = {
  allowed: false,
  denial: { layer: 'identity-policy', isExplicit: false },
  grounds: [],
}

const origin = callBy(rootOfAccount('111122223333'))
const call: Call = {
  ...origin,
  service: 'kms',
  operation: 'CreateKey',
  requestId: '',
  time: instant(0),
  connection: { remoteAddress: '' },
  userAgent: '',
  host: '',
}

/** An operation that tells in which order its members were asked. */
function traced(more: Partial<AnyOperation>) {
  const steps: string[] = []
  const step = (name: string, value?: unknown) => (): never => {
    steps.push(name)
    // The operation's types are forgotten: the members hand each other whatever they like.
    return value as never
  }
  const operation: AnyOperation = {
    name: 'CreateKey',
    model: {
      name: 'CreateKey',
      input: { type: 'structure', name: 'CreateKeyRequest', required: [], members: new Map() },
      output: undefined,
      errors: [],
    },
    effect: 'write',
    readOnly: false,
    check: () => undefined,
    prepare: step('prepare', 'drawn'),
    drawsMaterial: false,
    authorizesFirst: false,
    resolve: step('resolve', 'target'),
    permissions: step('permissions', [{ action: 'kms:CreateKey' }]),
    screen: () => undefined,
    admit: step('admit'),
    isDryRun: () => false,
    rehearse: () => undefined,
    handle: step('handle', {}),
    resources: () => [],
    audit: () => ({ requestParameters: null }),
    ...more,
  }
  return { operation, steps }
}

/** Decides everything alike. */
const authorizer = (decision: Decision, asked: Permission[] = []): Authorizer =>
  ({
    decide(asking: Call, permission: Permission) {
      asked.push(permission)
      const { resource } = permission
      return {
        decision,
        request: {
          action: permission.action,
          principal: asking.caller.principal,
          resourceArn: resource?.arn ?? '*',
          resourceAccount: resource?.accountId ?? asking.accountId,
          context: { get: () => undefined },
        },
      }
    },
    // The stages ask for nothing else.
  }) as unknown as Authorizer

const service: Service = {
  name: 'kms',
  eventSource: '',
  // Never reached: nothing here comes over a wire.
  codec: {} as Service['codec'],
  operations: new Map(),
  internalError: 'InternalFailure',
  openScope: (scope) => scope,
}

const prepared = (operation: AnyOperation, decision: Decision, asked?: Permission[]): Prepared => ({
  operation,
  service,
  input: {},
  // The operations here touch nothing of it.
  scope: { call, records: {}, random: {} } as unknown as Prepared['scope'],
  authorizer: authorizer(decision, asked),
  trace: { target: undefined, decided: [], isAuthorized: false },
})

/** Runs the work once, on nothing. */
const records = {
  transaction: (work: (tx: object) => Promise<unknown>) =>
    work({ addOutbox: () => Promise.resolve(1) }),
} as unknown as RecordStore
const framing = { ofCall: () => '', ofEvent: () => '' }

const isDenied = (error: unknown): boolean =>
  error instanceof ServiceError && error.code === 'AccessDeniedException'

describe('the stages of a call', () => {
  test('draw nothing for a caller who may not, where drawing is work', async () => {
    const { operation, steps } = traced({ drawsMaterial: true })
    await assert.rejects(runWrite(prepared(operation, DENIED), records, framing), isDenied)
    assert.deepEqual(steps, ['resolve', 'permissions'])
  })

  test('ask again inside the transaction what was asked before drawing', async () => {
    const { operation, steps } = traced({ drawsMaterial: true })
    await runWrite(prepared(operation, ALLOWED), records, framing)
    assert.deepEqual(steps, [
      'resolve',
      'permissions',
      'prepare',
      'resolve',
      'permissions',
      'admit',
      'handle',
    ])
  })

  test('look nothing up for a caller who may not, where nothing depends on it', async () => {
    const { operation, steps } = traced({ authorizesFirst: true })
    await assert.rejects(runRead(prepared(operation, DENIED)), isDenied)
    assert.deepEqual(steps, ['prepare', 'permissions'])
  })

  test('look at the state of nothing that the caller may not use', async () => {
    const { operation, steps } = traced({})
    await assert.rejects(runRead(prepared(operation, DENIED)), isDenied)
    assert.deepEqual(steps, ['prepare', 'resolve', 'permissions'])
  })

  test('decide about what is not there in another account, and never let anybody have it', async () => {
    const miss: Permission = {
      action: 'kms:Decrypt',
      resource: { accountId: anotherAccount(call.accountId), arn: 'arn:aws:kms:x' },
    }
    const throwing = (): never => {
      throw new ForeignMiss(miss)
    }
    const asked: Permission[] = []
    const { operation, steps } = traced({ resolve: throwing })
    await assert.rejects(runRead(prepared(operation, DENIED, asked)), isDenied)
    assert.deepEqual(asked, [miss])
    assert.deepEqual(steps, ['prepare'])
    await assert.rejects(runRead(prepared(operation, ALLOWED)), TypeError)
  })

  test('keep what was decided for the record, of the last try alone', async () => {
    const { operation } = traced({ drawsMaterial: true })
    const one = prepared(operation, ALLOWED)
    await runWrite(one, records, framing)
    assert.equal(one.trace.decided.length, 1)
    assert.equal(one.trace.decided[0]?.decision, ALLOWED)
  })
})
