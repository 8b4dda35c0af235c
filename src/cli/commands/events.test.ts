import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { fakeOperator, runFake as run } from '../../../test/support/fake-terminal.ts'
import type { DeadLetter, EventSinkStatus } from '../../core/event-delivery.ts'
import type { DevOptions } from '../program.ts'

const SINK: EventSinkStatus = {
  sink: 'webhook:https://example.com/hook',
  state: 'waiting',
  sequence: 41,
  held: 2,
  deadLetters: 1,
  behind: 3,
  delivered: 10,
  failures: 4,
  oldestMs: 61_000,
  lastFailure: 'it answered 500',
}

const letter = (number: number): DeadLetter => ({
  nodeId: 'node',
  sink: SINK.sink,
  position: `000${number}`,
  eventId: `event-${number}`,
  detailType: 'KMS CMK Deletion',
  heldAt: '2030-01-01T00:00:00.000Z',
  attempts: 185,
  lastFailure: 'it answered 500',
  event: '{"id":"1"}',
})

describe('events on the command line', () => {
  test('status tells every sink', async () => {
    const { openOperator } = fakeOperator({ eventStatus: async () => [SINK] })
    const { stdout } = await run(['events', 'status'], { openOperator })
    assert.equal(
      stdout,
      `webhook:https://example.com/hook
  state         waiting
  served up to  frame 41 (3 behind)
  held          2, for 61 s
  dead letters  1
  since start   10 sent, 4 failed attempts
  last failure  it answered 500
`,
    )
    const json = await run(['events', 'status', '--json'], { openOperator })
    assert.deepEqual(JSON.parse(json.stdout), [SINK])
    const none = fakeOperator({ eventStatus: async () => [] })
    assert.match((await run(['events', 'status'], none)).stdout, /^No events were ever sent/)
  })

  test('dead letters are listed page by page', async () => {
    const all = Array.from({ length: 150 }, (_, number) => letter(number))
    const { openOperator } = fakeOperator({
      listDeadLetters: async ({ limit, after }) => {
        const from = after === undefined ? 0 : all.findIndex((one) => one === after) + 1
        return all.slice(from, from + limit)
      },
    })
    const text = await run(['events', 'dead-letters'], { openOperator })
    const lines = text.stdout.trimEnd().split('\n')
    assert.equal(lines.length, 150)
    assert.equal(
      lines[149],
      'event-149  2030-01-01T00:00:00.000Z  KMS CMK Deletion  webhook:https://example.com/hook  185 attempts: it answered 500',
    )
    const json = await run(['events', 'dead-letters', '--json'], { openOperator })
    assert.deepEqual(JSON.parse(json.stdout.split('\n')[3] ?? ''), letter(3))
  })

  test('are redriven and discarded, one or all, as was said', async () => {
    const asked: unknown[] = []
    const { openOperator } = fakeOperator({
      redriveDeadLetters: async (request) => {
        asked.push(['redrive', request])
        return { events: 1 }
      },
      discardDeadLetters: async (request) => {
        asked.push(['discard', request])
        return { events: 2 }
      },
    })
    const one = await run(['events', 'redrive', '--id', 'a'], { openOperator })
    assert.equal(one.stdout, '1 event will be sent again.\n')
    const all = await run(['events', 'discard', '--all', '--json'], { openOperator })
    assert.equal(all.stdout, '{"events":2}\n')
    assert.deepEqual(asked, [
      ['redrive', { eventId: 'a' }],
      ['discard', {}],
    ])
    for (const flags of [[], ['--id', 'a', '--all']]) {
      const { exitCode, stderr } = await run(['events', 'redrive', ...flags], { openOperator })
      assert.equal(exitCode, 2)
      assert.match(stderr, /one of --id and --all/)
    }
  })

  test('go where the flags of a start say', async () => {
    const given: DevOptions[] = []
    const startDev = async (options: DevOptions): Promise<never> => {
      given.push(options)
      throw new Error('seen enough')
    }
    await run(
      ['dev', '--events-to', 'stdout', '--events-to', 'file:a', '--events-api-calls', 'all'],
      {
        startDev,
      },
    )
    await run(
      ['dev', '--events-secret-file', 's'],
      { startDev },
      {
        env: { STRONGROOM_EVENTS_TO: 'stdout webhook:https://a/' },
      },
    )
    await run(['dev'], { startDev })
    assert.deepEqual(
      given.map(({ events }) => events),
      [
        { to: ['stdout', 'file:a'], apiCalls: 'all', allowPlainHttp: false },
        {
          to: ['stdout', 'webhook:https://a/'],
          apiCalls: 'none',
          allowPlainHttp: false,
          webhookSecretFile: 's',
        },
        undefined,
      ],
    )
    const wrong = await run(['dev', '--events-to', 'mail:secret'], { startDev })
    assert.equal(wrong.exitCode, 2)
    assert.doesNotMatch(wrong.stderr, /secret/)
    assert.equal((await run(['dev', '--events-api-calls', 'some'], { startDev })).exitCode, 2)
  })
})
