import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import * as sdk from '@aws-sdk/client-kms'
import { generateFiles } from '../scripts/generate-model.ts'
import { MODELLED_ERRORS } from '../src/core/error-codes.ts'
import { ServiceError } from '../src/core/errors.ts'
import type { Shape } from '../src/core/model.ts'
import { JSON_DEPTH_MAX } from '../src/core/strict-json.ts'
import { validate } from '../src/pipeline/validate.ts'
import { KMS_MODEL } from '../src/services/kms/model.ts'
import { allStructures, describeOurs, describeSdk, partsOf, tuple } from './support/sdk-schemas.ts'

const exported: ReadonlyMap<string, unknown> = new Map(Object.entries(sdk))

describe('the generated tables', () => {
  for (const [path, text] of generateFiles()) {
    test(`${path} is what the generator makes, byte for byte`, () => {
      assert.equal(readFileSync(new URL(`../${path}`, import.meta.url), 'utf8'), text)
    })
  }

  test('name 56 operations, those of the SDK and no others', () => {
    const commands = [...exported.keys()]
      .filter((name) => name.endsWith('Command') && name !== '$Command')
      .map((name) => name.slice(0, -'Command'.length))
    assert.equal(KMS_MODEL.operations.size, 56)
    assert.deepEqual([...KMS_MODEL.operations.keys()].sort(), commands.sort())
  })

  test('give each operation the input and output shapes of the SDK', () => {
    for (const [name, { input, output }] of KMS_MODEL.operations) {
      const [kind, , sdkName, , sdkInput, sdkOutput] = tuple(exported.get(`${name}$`))
      assert.deepEqual([kind, sdkName], [9, name])
      assert.equal(describeSdk(sdkInput), `structure ${input.name}`)
      const given: unknown = typeof sdkOutput === 'function' ? sdkOutput() : sdkOutput
      if (output === undefined) assert.equal(given, 'unit', name)
      else assert.equal(describeSdk(given), `structure ${output.name}`)
    }
  })

  test('give each structure the members, types and required list of the SDK', () => {
    const structures = allStructures(KMS_MODEL)
    assert.ok(structures.size > 100)
    for (const [name, shape] of structures) {
      const [, , , , names, types, requiredCount = 0] = tuple(exported.get(`${name}$`))
      assert.ok(Array.isArray(names) && Array.isArray(types) && typeof requiredCount === 'number')
      // The SDK lists required members first.
      const required = names.slice(0, requiredCount).map(String)
      assert.deepEqual([...shape.required].sort(), required.sort(), name)
      const theirs = names.map((member, index) => `${String(member)}: ${describeSdk(types[index])}`)
      const ours = [...shape.members].map(([member, of]) => `${member}: ${describeOurs(of)}`)
      assert.deepEqual(ours.sort(), theirs.sort(), name)
    }
  })

  test('have the enums of the SDK', () => {
    const enums = new Set<string>()
    const visit = (shape: Shape): void => {
      if (shape.type === 'string' && shape.enum !== undefined)
        enums.add([...shape.enum].sort().join())
      for (const part of partsOf(shape)) visit(part)
    }
    for (const shape of allStructures(KMS_MODEL).values()) visit(shape)
    const theirs = [...exported]
      .filter(
        ([name, value]) => /^[A-Z]/.test(name) && typeof value === 'object' && !name.endsWith('$'),
      )
      .map(([, value]) =>
        Object.values(value ?? {})
          .map(String)
          .sort()
          .join(),
      )
    assert.ok(enums.size >= 30)
    assert.deepEqual([...enums].sort(), [...new Set(theirs)].sort())
  })

  test('name the exceptions of the SDK, and faults are its server errors', () => {
    const theirs = [...exported]
      .filter(([name]) => name.endsWith('Exception$') && name !== 'KMSServiceException$')
      .map(([name, schema]) => {
        const [, , , traits] = tuple(schema)
        const fault = JSON.stringify(traits).includes('"error":"server"')
        return [name.slice(0, -1), { httpStatus: fault ? 500 : 400, fault }]
      })
    const ofKms = new Set([...KMS_MODEL.operations.values()].flatMap(({ errors }) => errors))
    const ours = Object.entries(MODELLED_ERRORS)
      .filter(([name]) => ofKms.has(name))
      .map(([name, { httpStatus, fault }]) => [name, { httpStatus, fault }])
    assert.deepEqual(Object.fromEntries(ours), Object.fromEntries(theirs))
  })

  test('name only modelled errors', () => {
    for (const { name, errors } of KMS_MODEL.operations.values()) {
      for (const code of errors) assert.ok(Object.hasOwn(MODELLED_ERRORS, code), `${name}: ${code}`)
    }
  })

  test('have names that no object inherits, which decoders read by name', () => {
    for (const { name, members } of allStructures(KMS_MODEL).values()) {
      for (const member of members.keys()) {
        assert.ok(!(member in Object.prototype), `${name}.${member}`)
      }
    }
  })

  test('make every operation ask for what it requires, in the order of the model', () => {
    for (const { name, input } of KMS_MODEL.operations.values()) {
      const missing = [...input.members.keys()]
        .filter((member) => input.required.includes(member))
        .map((member) => member.charAt(0).toLowerCase() + member.slice(1))
        .map(
          (path) => `Value null at '${path}' failed to satisfy constraint: Member must not be null`,
        )
      const errors = `validation error${missing.length === 1 ? '' : 's'} detected: `
      const expected =
        missing.length === 0 ? undefined : `${missing.length} ${errors}${missing.join('; ')}`
      let found: string | undefined
      try {
        validate(input, {})
      } catch (error) {
        if (error instanceof ServiceError) found = error.publicMessage
      }
      assert.equal(found, expected, name)
    }
  })

  test('are small enough for the strict parser', () => {
    const depthOf = (shape: Shape): number => 1 + Math.max(0, ...partsOf(shape).map(depthOf))
    const depths = [...KMS_MODEL.operations.values()].map(({ input }) => depthOf(input))
    assert.ok(Math.max(...depths) <= JSON_DEPTH_MAX)
  })
})
