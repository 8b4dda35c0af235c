import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import * as cloudTrailSdk from '@aws-sdk/client-cloudtrail'
import * as s3Sdk from '@aws-sdk/client-s3'
import { MODELLED_ERRORS } from '../src/core/error-codes.ts'
import type { RestPlace, ServiceModel } from '../src/core/model.ts'
import { CLOUDTRAIL_MODEL } from '../src/services/cloudtrail/model.ts'
import { S3_MODEL } from '../src/services/s3/model.ts'
import { allStructures, describeOurs, describeSdk, tuple } from './support/sdk-schemas.ts'

/** `Object` is what JavaScript calls something else. */
const RENAMED: ReadonlyMap<string, string> = new Map([['ListedObject', '_Object']])
const SERVICES: readonly [ServiceModel, ReadonlyMap<string, unknown>][] = [
  [CLOUDTRAIL_MODEL, new Map(Object.entries(cloudTrailSdk))],
  [S3_MODEL, new Map(Object.entries(s3Sdk))],
]

const sdkName = (name: string): string => RENAMED.get(name) ?? name
const renamed = (words: string): string => words.replace(/\bListedObject\b/, 'Object')

/** Members of an SDK's structure, with their schemas and the traits of each. */
function membersOf(schema: unknown): ReadonlyMap<string, { schema: unknown; traits: unknown }> {
  const [, , , , names = [], types = []] = tuple(schema)
  assert.ok(Array.isArray(names) && Array.isArray(types))
  return new Map(
    names.map((name, at) => {
      const type: unknown = types[at]
      const isPair = Array.isArray(type) && type.length === 2
      const traits: unknown = isPair ? type[1] : {}
      return [String(name), { schema: isPair ? type[0] : type, traits }]
    }),
  )
}

const PLACES: Readonly<Record<string, RestPlace['in']>> = {
  httpHeader: 'header',
  httpPrefixHeaders: 'headers',
  httpQuery: 'query',
}
/** The bit of a member that stands in the path. */
const LABEL = 1

/** Where an SDK puts a member; undefined for the body. */
function placeOf(name: string, traits: unknown): RestPlace | undefined {
  if (traits === LABEL) return { in: 'path', name }
  for (const [trait, value] of Object.entries(traits ?? {})) {
    const place = PLACES[trait]
    if (place !== undefined) return { in: place, name: String(value) }
  }
  return undefined
}

for (const [model, exported] of SERVICES) {
  describe(`the tables of ${model.service}`, () => {
    test('give each operation the input and output shapes of the SDK', () => {
      for (const [name, { input, output }] of model.operations) {
        const [kind, , called, , takes, gives] = tuple(exported.get(`${name}$`))
        assert.deepEqual([kind, called], [9, name])
        assert.equal(describeSdk(takes), `structure ${input.name}`)
        const made: unknown = typeof gives === 'function' ? gives() : gives
        if (output === undefined) assert.equal(made, 'unit', name)
        else assert.equal(describeSdk(made), `structure ${output.name}`)
      }
    })

    test('give each structure members of the SDK, and what it requires', () => {
      for (const [name, shape] of allStructures(model)) {
        const known = membersOf(exported.get(`${sdkName(name)}$`))
        for (const [member, of] of shape.members) {
          const theirs = describeSdk(known.get(member)?.schema)
          assert.equal(
            `${name}.${member}: ${renamed(describeOurs(of))}`,
            `${name}.${member}: ${theirs}`,
          )
        }
        const [, , , , names = [], , requiredCount = 0] = tuple(exported.get(`${sdkName(name)}$`))
        assert.ok(Array.isArray(names) && typeof requiredCount === 'number')
        const required = names.slice(0, requiredCount).map(String)
        assert.deepEqual([...shape.required].sort(), required.sort(), name)
      }
    })

    test('name only modelled errors', () => {
      for (const { name, errors } of model.operations.values()) {
        for (const code of errors)
          assert.ok(Object.hasOwn(MODELLED_ERRORS, code), `${name}: ${code}`)
      }
    })
  })
}

test('the tables of s3 have methods, paths and places of the SDK', () => {
  const exported: ReadonlyMap<string, unknown> = new Map(Object.entries(s3Sdk))
  for (const { name, input, output, rest } of S3_MODEL.operations.values()) {
    assert.ok(rest !== undefined)
    const [, , , traits] = tuple(exported.get(`${name}$`))
    assert.ok(traits !== null && typeof traits === 'object' && 'http' in traits)
    assert.ok(Array.isArray(traits.http))
    const [method, path]: unknown[] = traits.http
    assert.equal(method, rest.method, name)
    // The SDK puts the bucket into the host, and its own mark into the query.
    const ours = rest.path.replace('/{Bucket}', '') || '/'
    const query = rest.query === undefined ? '' : `?${rest.query}`
    assert.equal(String(path).replace(/[?&]x-id=\w+$/, ''), ours + query, name)
    for (const [places, shape] of [
      [rest.input, input],
      [rest.output, output],
    ] as const) {
      if (shape === undefined) continue
      const known = membersOf(exported.get(`${shape.name}$`))
      for (const member of shape.members.keys()) {
        const theirs = placeOf(member, known.get(member)?.traits)
        assert.deepEqual(places.get(member), theirs, `${shape.name}.${member}`)
      }
    }
  }
})
