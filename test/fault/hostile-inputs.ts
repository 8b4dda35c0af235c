import fc from 'fast-check'
import { unreachable } from '../../src/core/assert.ts'
import type { OperationModel, Shape } from '../../src/core/model.ts'

/** Requests that nobody means well with: by the service model, with every member now and then of another kind. */

/** Policies, from sound to senseless. */
export const hostilePolicy: fc.Arbitrary<string> = fc.oneof(
  fc
    .record(
      {
        Version: fc.oneof(fc.constantFrom('2012-10-17', '2008-10-17'), fc.jsonValue()),
        Id: fc.jsonValue(),
        Statement: fc.oneof(
          fc.array(
            fc.record(
              {
                Sid: fc.oneof(fc.string(), fc.jsonValue()),
                Effect: fc.oneof(fc.constantFrom('Allow', 'Deny'), fc.jsonValue()),
                Principal: fc.oneof(
                  fc.constantFrom('*', { AWS: 'arn:aws:iam::111122223333:root' }, { AWS: ['*'] }),
                  fc.jsonValue(),
                ),
                Action: fc.oneof(fc.constantFrom('kms:*', '*', ['kms:Decrypt']), fc.jsonValue()),
                Resource: fc.oneof(fc.constantFrom('*', ['*']), fc.jsonValue()),
                Condition: fc.oneof(
                  fc.dictionary(
                    fc.constantFrom('StringEquals', 'ArnLike', 'NumericLessThan', 'IpAddress', 'x'),
                    fc.dictionary(
                      fc.constantFrom('aws:SourceIp', 'kms:ViaService', ''),
                      fc.jsonValue(),
                    ),
                  ),
                  fc.jsonValue(),
                ),
              },
              { requiredKeys: [] },
            ),
            { maxLength: 4 },
          ),
          fc.jsonValue(),
        ),
      },
      { requiredKeys: [] },
    )
    .map((policy) => JSON.stringify(policy)),
  fc.json(),
  fc.string(),
  fc.constantFrom('{'.repeat(20_000), '['.repeat(20_000), '{"a":'.repeat(5000), '\u0000'),
)

const anyText: fc.Arbitrary<string> = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc.constantFrom(
    '',
    '__proto__',
    'constructor',
    'alias/aws/s3',
    'alias/x',
    'arn:aws:kms:eu-central-1:111122223333:key/mrk-0',
    'arn:aws:iam::111122223333:root',
    '9'.repeat(400),
    'a'.repeat(40_000),
    '\ud800',
  ),
)

const anyValue: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 4, arbitrary: fc.jsonValue({ maxDepth: 3 }) },
  { weight: 2, arbitrary: anyText },
  { weight: 1, arbitrary: fc.constantFrom(null, 1e308, -0, 2 ** 53, -1, 1.5, [], {}) },
)

/** A value for a member; `known` are texts that name something. */
function valueOf(shape: Shape, known: readonly string[], depth: number): fc.Arbitrary<unknown> {
  const right = (): fc.Arbitrary<unknown> => {
    switch (shape.type) {
      case 'string':
        return shape.enum !== undefined && shape.enum.length > 0
          ? fc.constantFrom(...shape.enum)
          : fc.oneof(fc.constantFrom(...known), anyText, hostilePolicy)
      case 'blob':
        return fc
          .uint8Array({ maxLength: 200 })
          .map((bytes) => Buffer.from(bytes).toString('base64'))
      case 'integer':
        return fc.oneof(fc.integer({ min: -2, max: 400 }), fc.maxSafeInteger())
      case 'double':
      case 'timestamp':
        return fc.double()
      case 'boolean':
        return fc.boolean()
      case 'list':
        return depth > 3
          ? fc.constant([])
          : fc.array(valueOf(shape.member, known, depth + 1), { maxLength: 4 })
      case 'map':
        return fc.dictionary(anyText, anyText, { maxKeys: 4 })
      case 'structure':
        return depth > 3 ? fc.constant({}) : membersOf(shape.members, known, depth + 1)
      default:
        return unreachable(shape)
    }
  }
  return fc.oneof({ weight: 6, arbitrary: right() }, { weight: 1, arbitrary: anyValue })
}

const membersOf = (
  members: ReadonlyMap<string, Shape>,
  known: readonly string[],
  depth: number,
): fc.Arbitrary<object> =>
  fc.record(
    Object.fromEntries([...members].map(([name, shape]) => [name, valueOf(shape, known, depth)])),
    { requiredKeys: [] },
  )

/** An input of an operation. */
export const hostileInput = (
  { input }: OperationModel,
  known: readonly string[],
): fc.Arbitrary<unknown> =>
  fc.oneof(
    { weight: 12, arbitrary: membersOf(input.members, known, 0) },
    { weight: 1, arbitrary: anyValue },
  )

/** JSON that was cut, repeated or mixed with something else. */
export const brokenText = (text: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  fc
    .tuple(text, fc.nat(), fc.nat(), fc.string({ unit: 'binary', maxLength: 4 }))
    .map(([whole, from, to, put]) => {
      const start = from % (whole.length + 1)
      const end = start + (to % 3)
      return whole.slice(0, start) + put + whole.slice(end)
    })
