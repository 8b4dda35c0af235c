import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  fakeProgram,
  fakeTerminal,
  runFake as run,
} from '../../../../test/support/fake-terminal.ts'
import { callFrame, callFrames } from '../../../../test/support/index-fixture.ts'
import { naiveSearch } from '../../../../test/support/naive-search.ts'
import type { EventLookup } from '../../../core/audit-search.ts'
import { instant } from '../../../core/ids.ts'
import { runCommandLine } from '../../command-line.ts'
import type { OpenLookup, Program } from '../../program.ts'

const KEY_ID = '00000000-0000-4000-8000-000000000001'
const KEY_ARN = `arn:aws:kms:eu-central-1:111122223333:key/${KEY_ID}`
const resources = [{ accountId: '111122223333', type: 'AWS::KMS::Key', ARN: KEY_ARN }]
/** The frames of the fixture are an hour apart, from 2026-01-05 on. */
const NOW = instant(Date.UTC(2026, 0, 6, 12))

/** Events that were looked up by looking at each. */
function lookupOver(frames: readonly string[], rest: Partial<OpenLookup & EventLookup> = {}) {
  const search = naiveSearch(() => frames)
  const asked: unknown[] = []
  let closed = 0
  const lookup: EventLookup = {
    searchEvents: (query) => {
      asked.push(query)
      return search.search(query)
    },
    countEvents: (query) => {
      asked.push(query)
      return search.counts(query)
    },
    findKeyArn: async () => ({ arn: KEY_ARN }),
    eventIndexStatus: async () => ({ sequence: 0 }),
    reindexEvents: async () => ({ sequence: 0 }),
    ...rest,
  }
  const openEventLookup: Program['openEventLookup'] = async () => ({
    lookup,
    now: NOW,
    catchUp: async (onProgress) => onProgress(frames.length, frames.length),
    follow: async () => undefined,
    close: async () => {
      closed += 1
    },
    ...rest,
  })
  return { openEventLookup, asked, closed: () => closed }
}

describe('audit search', () => {
  test('prints a table with aligned columns, newest first', async () => {
    const denied = callFrame(12, {
      errorCode: 'AccessDenied',
      resources,
      sourceIPAddress: '10.0.0.22',
    })
    const { openEventLookup, closed } = lookupOver([callFrame(1), denied])
    const outcome = await run(['audit', 'search'], { openEventLookup })
    assert.deepEqual(outcome, {
      exitCode: 0,
      stdout: [
        'TIME                  ACCOUNT       PRINCIPAL  OPERATION  KEY                                   OUTCOME       SOURCE',
        '2026-01-05T12:00:00Z  111122223333  user/bob   Encrypt    00000000-0000-4000-8000-000000000001  AccessDenied  10.0.0.22',
        '2026-01-05T01:00:00Z  111122223333  user/bob   Decrypt    -                                     ok            10.0.0.1',
        '',
      ].join('\n'),
      stderr: '',
    })
    assert.equal(closed(), 1)
  })

  test('a caller without an ARN is told by the name in its token, or by its account', async () => {
    const identity = (userIdentity: object) => callFrame(1, { userIdentity })
    const frames = [
      identity({ type: 'WebIdentityUser', principalId: 'idp:app:job-7', userName: 'job-7' }),
      identity({ type: 'AWSAccount', principalId: 'AROAEXAMPLE:s', accountId: '444455556666' }),
      identity({ accountId: '111122223333', invokedBy: 'AWS Internal' }),
    ]
    const { openEventLookup } = lookupOver(frames)
    const { stdout } = await run(['audit', 'search', '--order', 'oldest'], { openEventLookup })
    assert.deepEqual(
      stdout
        .split('\n')
        .slice(1, 4)
        .map((line) => line.split(/ {2,}/)[2]),
      ['job-7', '444455556666', 'AWS Internal'],
    )
  })

  test('is coloured on a terminal, and what callers chose moves no cursor', async () => {
    const odd = callFrame(1, { sourceIPAddress: '\u001b[2Jevil', errorCode: 'AccessDenied' })
    const { openEventLookup } = lookupOver([callFrame(0), odd])
    const { stdout } = await run(['audit', 'search'], { openEventLookup }, { hasColors: true })
    for (const text of ['\u001b[31mAccessDenied\u001b[0m', '\u001b[32mok\u001b[0m', '?[2Jevil']) {
      assert.ok(stdout.includes(text), text)
    }
    assert.ok(!stdout.includes('\u001b[2J'))
  })

  test('with --json prints the records as they stand, and says when there are more', async () => {
    const frames = callFrames(5)
    const { openEventLookup } = lookupOver(frames)
    const argv = ['audit', 'search', '--json', '--limit', '2', '--order', 'oldest']
    const { stdout, stderr } = await run(argv, { openEventLookup })
    const records = frames.slice(0, 2).map((frame) => JSON.parse(frame).records[0])
    assert.equal(stdout, records.map((record) => `${JSON.stringify(record)}\n`).join(''))
    assert.match(stderr, /there are more/)
  })

  test('asks page by page up to the limit', async () => {
    const { openEventLookup, asked } = lookupOver(callFrames(1500))
    const { stdout } = await run(['audit', 'search', '--json', '--limit', '1200'], {
      openEventLookup,
    })
    assert.equal(stdout.split('\n').length, 1201)
    assert.deepEqual(
      asked.map((query) => Object(query).limit),
      [1000, 200],
    )
  })

  test('gives every filter on, an alias as the key it points to', async () => {
    const { openEventLookup, asked } = lookupOver([])
    const argv =
      'audit search --key alias/app --principal arn:aws:iam::111122223333:role/a --operation Decrypt,Gen* --operation Sign --outcome denied --error X --context a=1 --context b=2=3 --source-ip 10.0.0.1 --account 111122223333 --region eu-central-1 --since yesterday --until 24h'
    const outcome = await run(argv.split(' '), { openEventLookup })
    assert.deepEqual([outcome.exitCode, outcome.stdout], [0, ''])
    assert.match(outcome.stderr, /no event is like that/)
    assert.deepEqual(asked, [
      {
        accountId: '111122223333',
        region: 'eu-central-1',
        resourceName: KEY_ARN,
        principal: 'arn:aws:iam::111122223333:role/a',
        eventNames: ['Decrypt', 'Gen*', 'Sign'],
        outcome: 'denied',
        errorCode: 'X',
        sourceIp: '10.0.0.1',
        encryptionContext: { a: '1', b: '2=3' },
        from: Date.UTC(2026, 0, 5),
        to: NOW - 86_400_000,
        order: 'newest-first',
        limit: 50,
      },
    ])
  })

  test('a user may be named, and a key with its kind', async () => {
    const { openEventLookup, asked } = lookupOver([])
    await run(['audit', 'search', '--principal', 'bob', '--key', `key/${KEY_ID}`], {
      openEventLookup,
    })
    assert.deepEqual([Object(asked[0]).username, Object(asked[0]).resourceName], ['bob', KEY_ID])
  })

  for (const [what, ...flags] of [
    ['a key', '--key', 'secret!'],
    ['an operation', '--operation', 'De crypt'],
    ['an outcome', '--outcome', 'good'],
    ['a pair', '--context', '=x'],
    ['a time', '--since', 'soon'],
    ['an order', '--order', 'up'],
    ['a limit', '--limit', '0'],
    ['an account', '--account', '1'],
    ['a range', '--since', '1h', '--until', '2h'],
  ] as const) {
    test(`refuses what is not ${what} with exit code 2`, async () => {
      const { openEventLookup } = lookupOver([])
      const outcome = await run(['audit', 'search', ...flags], { openEventLookup })
      assert.deepEqual([outcome.exitCode, outcome.stdout], [2, ''])
      assert.match(outcome.stderr, /strongroom: --(\w|-)+/)
    })
  }
})

describe('audit stats', () => {
  test('prints who did what from where, how often, and when first and last', async () => {
    const { openEventLookup, asked } = lookupOver(
      callFrames(5).map((_, n) => callFrame(n, { resources })),
    )
    const argv = [
      'audit',
      'stats',
      '--key',
      'alias/app',
      '--operation',
      'Decrypt',
      '--since',
      'this month',
      '--until',
      'this month',
    ]
    const { stdout } = await run(argv, { openEventLookup })
    assert.deepEqual(stdout.split('\n'), [
      'COUNT  PRINCIPAL                           OPERATION  SOURCE    FIRST                 LAST',
      '2      arn:aws:iam::111122223333:user/bob  Decrypt    10.0.0.1  2026-01-05T01:00:00Z  2026-01-05T03:00:00Z',
      '',
    ])
    const { from, to, by } = Object(asked[0])
    assert.deepEqual(
      [from, to, by],
      [Date.UTC(2026, 0), Date.UTC(2026, 1), ['principal', 'operation', 'source']],
    )
  })

  test('with --json prints a row a line', async () => {
    const { openEventLookup } = lookupOver(callFrames(3))
    const { stdout } = await run(['audit', 'stats', '--by', 'operation,day', '--json'], {
      openEventLookup,
    })
    assert.deepEqual(
      stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line)),
      [
        {
          operation: 'Encrypt',
          day: '2026-01-05',
          count: 2,
          first: '2026-01-05T00:00:00Z',
          last: '2026-01-05T02:00:00Z',
        },
        {
          operation: 'Decrypt',
          day: '2026-01-05',
          count: 1,
          first: '2026-01-05T01:00:00Z',
          last: '2026-01-05T01:00:00Z',
        },
      ],
    )
  })

  test('says when there are more rows than it shows', async () => {
    const { openEventLookup } = lookupOver(callFrames(3))
    const argv = ['audit', 'stats', '--by', 'operation', '--json', '--limit']
    const one = await run([...argv, '1'], { openEventLookup })
    assert.deepEqual(JSON.parse(one.stdout).operation, 'Encrypt')
    assert.equal(one.stderr, 'strongroom: there are more; --limit says how many are shown\n')
    const all = await run([...argv, '2'], { openEventLookup })
    assert.deepEqual([all.stdout.split('\n').length, all.stderr], [3, ''])
  })

  test('takes what to count by in one flag or in several', async () => {
    const { openEventLookup, asked } = lookupOver(callFrames(3))
    for (const flags of [
      ['--by', 'day,outcome'],
      ['--by', 'day', '--by', 'outcome'],
    ]) {
      await run(['audit', 'stats', ...flags], { openEventLookup })
      assert.deepEqual(Object(asked.pop()).by, ['day', 'outcome'])
    }
  })

  test('refuses what it cannot count by, and names of users', async () => {
    const { openEventLookup } = lookupOver([])
    for (const flags of [
      ['--by', 'color'],
      ['--by', 'day,day'],
      ['--by', 'day', '--by', 'day'],
      ['--principal', 'bob'],
    ]) {
      assert.equal((await run(['audit', 'stats', ...flags], { openEventLookup })).exitCode, 2)
    }
  })
})

describe('audit tail', () => {
  test('prints the newest events in their order', async () => {
    const { openEventLookup } = lookupOver(callFrames(20))
    const { stdout } = await run(['audit', 'tail', '-n', '2', '--json'], { openEventLookup })
    assert.deepEqual(
      stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line).eventID),
      ['event-18', 'event-19'],
    )
  })

  test('follows until it is asked to end, without what it has shown already', async () => {
    const frames = callFrames(3)
    const event = { sequence: 3, record: 0, time: NOW, text: '{"eventID":"new"}' }
    let ended = false
    const terminal = fakeTerminal()
    const follow: OpenLookup['follow'] = async (_filter, to, signal) => {
      await to.begins(2)
      await to.write(event)
      terminal.signal()
      ended = signal.aborted
    }
    const { openEventLookup, closed } = lookupOver(frames, { follow })
    const argv = ['audit', 'tail', '-f', '--json']
    const exitCode = await runCommandLine(argv, terminal, fakeProgram({ openEventLookup }))
    assert.deepEqual([exitCode, ended, closed(), terminal.listening()], [0, true, 1, 0])
    const ids = terminal
      .stdout()
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).eventID)
    assert.deepEqual(ids, ['event-0', 'event-1', 'new'])
  })

  test('ends without a word when nobody reads any more', async () => {
    const event = { sequence: 1, record: 0, time: NOW, text: '{}' }
    let writes = 0
    const follow: OpenLookup['follow'] = async (_filter, to) => {
      for (; ; writes += 1) await to.write(event)
    }
    const { openEventLookup, closed } = lookupOver([], { follow })
    const outcome = await run(['audit', 'tail', '-f'], { openEventLookup }, { readLines: 3 })
    assert.deepEqual([outcome.exitCode, outcome.stderr, writes, closed()], [0, '', 3, 1])
  })
})

describe('audit reindex', () => {
  test('throws the index away, shows how far it is, and says how much it was', async () => {
    const calls: string[] = []
    const { openEventLookup } = lookupOver([], {
      reindexEvents: async () => {
        calls.push('reindex')
        return { sequence: 0 }
      },
      catchUp: async (onProgress) => {
        calls.push('catch up')
        onProgress(25_000, 100_000)
        onProgress(100_000, 100_000)
      },
    })
    const { stdout, stderr } = await run(
      ['audit', 'reindex'],
      { openEventLookup },
      { errIsLive: true },
    )
    assert.deepEqual(calls, ['reindex', 'catch up'])
    assert.equal(stdout, 'The index was made anew: 100000 frames in 0.0 s.\n')
    assert.match(stderr, /indexing \[#{7}\.{23}\] 25 % of 100000 frames/)
  })
})
