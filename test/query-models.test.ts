import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import * as cloudwatchSdk from '@aws-sdk/client-cloudwatch'
import * as iamSdk from '@aws-sdk/client-iam'
import * as stsSdk from '@aws-sdk/client-sts'
import { MODELLED_ERRORS } from '../src/core/error-codes.ts'
import type { QueryServiceModel } from '../src/core/model.ts'
import { queryErrorOf } from '../src/protocol/query-errors.ts'
import { CLOUDWATCH_MODEL } from '../src/services/cloudwatch/model.ts'
import { IAM_MODEL } from '../src/services/iam/model.ts'
import { STS_MODEL } from '../src/services/sts/model.ts'
import { allStructures, describeOurs, describeSdk, tuple } from './support/sdk-schemas.ts'

/** Members that replies about the account's root leave out, though the SDK's schema requires them. */
const NOT_ALWAYS_THERE: ReadonlySet<string> = new Set([
  'User.Path',
  'User.UserName',
  'AccessKey.UserName',
])
/** Errors that STS calls as every service's front end calls another one. */
const RENAMED: ReadonlyMap<string, string> = new Map([
  ['ExpiredIdentityTokenException', 'ExpiredTokenException'],
])

const SERVICES: readonly [QueryServiceModel, ReadonlyMap<string, unknown>][] = [
  [CLOUDWATCH_MODEL, new Map(Object.entries(cloudwatchSdk))],
  [IAM_MODEL, new Map(Object.entries(iamSdk))],
  [STS_MODEL, new Map(Object.entries(stsSdk))],
]

for (const [model, exported] of SERVICES) {
  describe(`the tables of ${model.service}`, () => {
    test('give each operation the input and output shapes of the SDK', () => {
      for (const [name, { input, output }] of model.operations) {
        const [kind, , sdkName, , sdkInput, sdkOutput] = tuple(exported.get(`${name}$`))
        assert.deepEqual([kind, sdkName], [9, name])
        const takes: unknown = typeof sdkInput === 'function' ? sdkInput() : sdkInput
        // Where the SDK's operation takes nothing, ours takes a structure without members.
        if (takes === 'unit') assert.equal(input.members.size, 0, name)
        else assert.equal(describeSdk(takes), `structure ${input.name}`)
        const gives: unknown = typeof sdkOutput === 'function' ? sdkOutput() : sdkOutput
        if (output === undefined) assert.equal(gives, 'unit', name)
        else assert.equal(describeSdk(gives), `structure ${output.name}`)
      }
    })

    test('give each structure members, types and required list of the SDK', () => {
      const structures = allStructures(model)
      for (const [name, shape] of structures) {
        const schema = exported.get(`${name}$`)
        if (schema === undefined) {
          assert.equal(shape.members.size, 0, name)
          continue
        }
        const [, , , , names, types, requiredCount = 0] = tuple(schema)
        assert.ok(Array.isArray(names) && Array.isArray(types))
        assert.ok(typeof requiredCount === 'number')
        // The SDK lists required members first.
        const required = names
          .slice(0, requiredCount)
          .map(String)
          .filter((member) => !NOT_ALWAYS_THERE.has(`${name}.${member}`))
        assert.deepEqual([...shape.required].sort(), required.sort(), name)
        const known = new Map(names.map((member, at) => [String(member), types[at]]))
        // The SDK is newer: it may know more members, not other ones.
        for (const [member, of] of shape.members) {
          assert.equal(
            `${member}: ${describeOurs(of)}`,
            `${member}: ${describeSdk(known.get(member))}`,
          )
        }
      }
    })

    test('name errors by the codes and statuses of the SDK', () => {
      for (const name of new Set([...model.operations.values()].flatMap(({ errors }) => errors))) {
        assert.ok(name in MODELLED_ERRORS, name)
        const [, , , traits] = tuple(exported.get(`${RENAMED.get(name) ?? name}$`))
        const theirs: ReadonlyMap<string, unknown> = new Map(Object.entries(traits ?? {}))
        // The name was just found among the codes.
        const { code, httpStatus } = queryErrorOf(name as keyof typeof MODELLED_ERRORS)
        assert.deepEqual([code, httpStatus], theirs.get('awsQueryError'), name)
      }
    })
  })
}
