import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  AUTHORIZATION,
  CREDENTIAL,
  DATE,
  INCOMPLETE,
  INVALID,
  parse,
  presigned,
  refuses,
  sha256,
  sign,
  signedBy,
  verifies,
} from '../../test/support/signed-request.ts'
import { wireRequest } from '../../test/support/wire-request.ts'

describe('time', () => {
  for (const date of [
    '201',
    '20260102',
    '2026-01-02T03:04:05Z',
    '20260102T030405',
    '20260132T030405Z',
    '20260229T030405Z',
    '20260102T240000Z',
    '20260102T036005Z',
    'Fri, 02 Jan 2026 03:04:05 GMT',
  ]) {
    test(`'${date}' is no time of a signature`, () => {
      const message = `Date must be in ISO-8601 'basic format'. Got '${date}'. See http://en.wikipedia.org/wiki/ISO_8601`
      refuses(signedBy(AUTHORIZATION, date), INCOMPLETE, message)
      refuses(
        presigned((query) => query.set('X-Amz-Date', date)),
        INCOMPLETE,
        message,
      )
    })
  }

  test('X-Amz-Date counts before Date, and Date alone suffices', () => {
    const both = wireRequest({
      headers: ['Host', 'h', 'Date', 'x', 'X-Amz-Date', DATE, 'Authorization', AUTHORIZATION],
    })
    assert.equal(parse(both).timestamp, DATE)
    const headers = `host:h\n`
    const signature = sign(`POST\n/\n\n${headers}\nhost\n${sha256('')}`)
    const alone = wireRequest({
      headers: [
        'Host',
        'h',
        'Date',
        DATE,
        'Authorization',
        `AWS4-HMAC-SHA256 Credential=${CREDENTIAL}, SignedHeaders=host, Signature=${signature}`,
      ],
    })
    assert.equal(verifies(alone), true)
  })

  test('a signature holds for five minutes and not a second longer', () => {
    assert.equal(parse(signedBy(AUTHORIZATION, '20260102T025905Z')).timestamp, '20260102T025905Z')
    refuses(
      signedBy(AUTHORIZATION, '20260102T025904Z'),
      INVALID,
      'Signature expired: 20260102T025904Z is now earlier than 20260102T025905Z (20260102T030405Z - 5 min.)',
    )
  })

  test('the signer may be five minutes ahead and not a second more', () => {
    assert.equal(parse(signedBy(AUTHORIZATION, '20260102T030905Z')).timestamp, '20260102T030905Z')
    refuses(
      signedBy(AUTHORIZATION, '20260102T030906Z'),
      INVALID,
      'Signature not yet current: 20260102T030906Z is still later than 20260102T030905Z (20260102T030405Z + 5 min.)',
    )
  })

  test('the window is a setting', () => {
    refuses(
      signedBy(AUTHORIZATION, '20260102T024904Z'),
      INVALID,
      'Signature expired: 20260102T024904Z is now earlier than 20260102T024905Z (20260102T030405Z - 15 min.)',
      { maxSkewMs: 900_000 },
    )
  })

  test('a presigned request holds as long as it says', () => {
    const aged = (seconds: string, date: string) =>
      presigned((query) => {
        query.set('X-Amz-Expires', seconds)
        query.set('X-Amz-Date', date)
        query.set(
          'X-Amz-Credential',
          `AKIDEXAMPLE/${date.slice(0, 8)}/eu-central-1/kms/aws4_request`,
        )
      })
    assert.equal(parse(aged('60', '20260102T030305Z')).form, 'query')
    assert.equal(parse(aged('604800', '20251226T030405Z')).date, '20251226')
    refuses(
      aged('60', '20260102T030304Z'),
      INVALID,
      'Signature expired: 20260102T030304Z is now earlier than 20260102T030305Z (20260102T030405Z - 1 min.)',
    )
    refuses(
      aged('90', '20260102T030234Z'),
      INVALID,
      'Signature expired: 20260102T030234Z is now earlier than 20260102T030235Z (20260102T030405Z - 90 sec.)',
    )
    refuses(
      aged('60', '20260102T030906Z'),
      INVALID,
      'Signature not yet current: 20260102T030906Z is still later than 20260102T030905Z (20260102T030405Z + 5 min.)',
    )
  })

  for (const [seconds, message] of [
    ['', 'X-Amz-Expires should be a number'],
    ['1e3', 'X-Amz-Expires should be a number'],
    ['60.5', 'X-Amz-Expires should be a number'],
    ['-1', 'X-Amz-Expires must be non-negative'],
    ['0', 'X-Amz-Expires must be at least 1 second'],
    [
      '604801',
      'X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than 604800 seconds',
    ],
  ] as const) {
    test(`a lifetime of '${seconds}' seconds is refused`, () => {
      refuses(
        presigned((query) => query.set('X-Amz-Expires', seconds)),
        INCOMPLETE,
        message,
      )
    })
  }
})
