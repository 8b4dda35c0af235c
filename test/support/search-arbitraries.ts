import fc from 'fast-check'
import type {
  EventCountsQuery,
  EventDimension,
  EventFilter,
  EventPageQuery,
} from '../../src/core/audit-search.ts'
import { instant } from '../../src/core/ids.ts'

/** A Monday, 00:00 UTC. */
const START_MS = Date.UTC(2026, 0, 5)
const DAY_MS = 86_400_000

const ACCOUNTS = ['111122223333', '444455556666']
const REGIONS = ['eu-central-1', 'us-east-1']
const KEY_IDS = ['mrk-00000000000000000000000000000001', '00000000-0000-4000-8000-000000000002']
const KEY_ARNS = KEY_IDS.flatMap((id) =>
  REGIONS.map((region) => `arn:aws:kms:${region}:111122223333:key/${id}`),
)
const ALIAS_ARN = 'arn:aws:kms:eu-central-1:111122223333:alias/app'
const NAMES = ['Decrypt', 'Encrypt', 'ReEncrypt']
const SOURCES = ['kms.amazonaws.com', 'sts.amazonaws.com']
const ERRORS = ['AccessDenied', 'DisabledException']
const ADDRESSES = ['10.0.0.1', '10.0.0.2', 'AWS Internal']
const CONTEXTS = [{ app: 'a' }, { app: 'a', tier: 'x' }, { app: 'b', tier: 'x' }, { 'a"p': 'p\\' }]
const ACCESS_KEYS = ['AKIA1', 'ASIA2', 'ASIA3']
const IDS = ['one', 'two', 'three', 'four', 'five', 'six']
const ROLE_ARN = 'arn:aws:iam::111122223333:role/app'
const USER_ARN = 'arn:aws:iam::111122223333:user/bob'
const SESSION_ARN = 'arn:aws:sts::111122223333:assumed-role/app/s1'

/** Around the ends of days, many of them equal. */
const time = fc
  .tuple(fc.integer({ min: 0, max: 4 }), fc.constantFrom(-1, 0, 1, 5000, DAY_MS / 2))
  .map(([day, ms]) => START_MS + day * DAY_MS + ms)

const identity = fc.constantFrom(
  { type: 'IAMUser', arn: USER_ARN, userName: 'bob' },
  ...['s1', 's2'].map((session) => ({
    type: 'AssumedRole',
    arn: `arn:aws:sts::111122223333:assumed-role/app/${session}`,
    sessionContext: { sessionIssuer: { type: 'Role', arn: ROLE_ARN, userName: 'app' } },
  })),
  { type: 'Root', arn: 'arn:aws:iam::111122223333:root', accountId: '111122223333' },
  { type: 'AWSAccount', principalId: 'AIDA1', accountId: '444455556666' },
  { accountId: '111122223333', invokedBy: 'AWS Internal' },
)

const resource = fc.constantFrom(
  ...KEY_ARNS.map((ARN) => ({ accountId: '111122223333', type: 'AWS::KMS::Key', ARN })),
  { accountId: '111122223333', type: 'AWS::KMS::Key', ARN: ALIAS_ARN },
  { accountId: '111122223333', type: 'AWS::IAM::Role', ARN: ROLE_ARN },
)

const maybe = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(value, { nil: undefined })

const record = fc
  .record({
    identity,
    accessKeyId: maybe(fc.constantFrom(...ACCESS_KEYS)),
    eventSource: fc.constantFrom(...SOURCES),
    eventName: fc.constantFrom(...NAMES),
    awsRegion: fc.constantFrom(...REGIONS),
    sourceIPAddress: fc.constantFrom(...ADDRESSES),
    errorCode: maybe(fc.constantFrom(...ERRORS)),
    context: maybe(fc.constantFrom(...CONTEXTS)),
    second: maybe(fc.constantFrom(...CONTEXTS)),
    requestID: maybe(fc.constantFrom(...IDS)),
    eventID: fc.constantFrom(...IDS),
    readOnly: fc.boolean(),
    resources: fc.array(resource, { maxLength: 2 }),
    recipientAccountId: fc.constantFrom(...ACCOUNTS),
  })
  .map(({ identity: who, accessKeyId, context, second, ...rest }) => ({
    userIdentity: { ...who, accessKeyId },
    requestParameters:
      context === undefined && second === undefined
        ? null
        : { encryptionContext: context, destinationEncryptionContext: second, note: '"}]{' },
    ...rest,
  }))

/** Frames of a log: calls of none to three records, and refusals. */
export const frames: fc.Arbitrary<string[]> = fc.array(
  fc.oneof(
    {
      weight: 9,
      arbitrary: fc
        .tuple(time, fc.array(record, { maxLength: 3 }))
        .map(([at, records]) =>
          JSON.stringify({ kind: 'call', internal: { time: at, why: '}"]' }, records }),
        ),
    },
    {
      weight: 1,
      arbitrary: fc
        .tuple(time, fc.constantFrom(...IDS))
        .map(([at, requestId]) =>
          JSON.stringify({ kind: 'refusal', internal: { time: at, requestId }, records: [] }),
        ),
    },
  ),
  { maxLength: 40 },
)

const sometimes = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(value, { nil: undefined, freq: 3 })
const oneOf = (values: readonly string[]): fc.Arbitrary<string | undefined> =>
  // One that no event has.
  fc.option(fc.constantFrom(...values, 'unknown'), { nil: undefined, freq: 4 })
const rarely = (values: readonly string[]): fc.Arbitrary<string | undefined> =>
  fc.oneof(
    { weight: 8, arbitrary: fc.constant(undefined) },
    { weight: 1, arbitrary: oneOf(values) },
  )

const bounds = fc.record({ from: maybe(time.map(instant)), to: maybe(time.map(instant)) })

const countedFilter = fc.record({
  accountId: rarely(ACCOUNTS),
  region: rarely(REGIONS),
  eventName: rarely(NAMES),
  eventNames: fc
    .option(
      fc.array(fc.constantFrom('Decrypt', 'Re*', '*crypt', '*', 'De*t', '[A-Z]*', 'D?crypt*'), {
        maxLength: 2,
      }),
      { nil: undefined, freq: 2 },
    )
    .map((names) => (names === undefined || names.length === 0 ? undefined : names)),
  eventSource: rarely(SOURCES),
  resourceName: rarely([...KEY_IDS, ...KEY_ARNS, ALIAS_ARN]),
  principal: rarely([USER_ARN, ROLE_ARN, SESSION_ARN, 'AWS Internal']),
  outcome: sometimes(fc.constantFrom('success', 'denied', 'failure')),
  sourceIp: rarely(ADDRESSES),
})

const onlySearchedFilter = fc.record({
  eventId: rarely(IDS),
  requestId: rarely(IDS),
  readOnly: rarely(['true']).map((value) => (value === undefined ? undefined : value === 'true')),
  username: rarely(['bob', 'root', 's1']),
  accessKeyId: rarely(ACCESS_KEYS),
  resourceType: rarely(['AWS::KMS::Key', 'AWS::IAM::Role']),
  errorCode: rarely(ERRORS),
  encryptionContext: maybe(fc.constantFrom(...CONTEXTS, {})),
})

export const filter: fc.Arbitrary<EventFilter> = fc
  .tuple(bounds, countedFilter, onlySearchedFilter)
  .map(([range, counted, searched]) => ({ ...range, ...counted, ...searched }))

export const pageQuery: fc.Arbitrary<EventPageQuery> = fc
  .tuple(
    filter,
    fc.constantFrom('newest-first' as const, 'oldest-first' as const),
    fc.integer({ min: 1, max: 7 }),
  )
  .map(([conditions, order, limit]) => ({ ...conditions, order, limit }))

const DIMENSIONS: readonly EventDimension[] = [
  'principal',
  'operation',
  'outcome',
  'source',
  'key',
  'account',
  'day',
]

export const countsQuery: fc.Arbitrary<EventCountsQuery> = fc
  .tuple(
    bounds,
    countedFilter,
    fc.uniqueArray(fc.constantFrom(...DIMENSIONS), { maxLength: 3 }),
    fc.integer({ min: 1, max: 20 }),
  )
  .map(([range, conditions, by, limit]) => ({ ...range, ...conditions, by, limit }))
