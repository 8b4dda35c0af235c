import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import * as sdk from '@aws-sdk/client-kms'
import { generateFiles } from '../scripts/generate-model.ts'
import { MODELLED_ERRORS } from '../src/core/error-codes.ts'
import { ServiceError } from '../src/core/errors.ts'
import type { Shape, StructureShape } from '../src/core/model.ts'
import { JSON_DEPTH_MAX } from '../src/core/strict-json.ts'
import { validate } from '../src/pipeline/validate.ts'
import { KMS_MODEL } from '../src/services/kms/model.ts'

// The oracle is the schemas that AWS generates into its SDK for JavaScript. Their notation: a number is
// a simple type, 64 and 128 are added for lists and maps of it, tuples are named shapes that begin with
// their kind, and functions give shapes lazily. The trait bit 8 is `sensitive`.
const SIMPLE: ReadonlyMap<unknown, string> = new Map([
  [0, 'string'],
  [1, 'integer'],
  [2, 'boolean'],
  [4, 'timestamp'],
  [21, 'blob'],
])
const LIST = 64
const MAP = 128

const exported: ReadonlyMap<string, unknown> = new Map(Object.entries(sdk))

const tuple = (value: unknown): readonly unknown[] => {
  const made: unknown = typeof value === 'function' ? value() : value
  assert.ok(Array.isArray(made), `no tuple: ${String(made)}`)
  return made
}

const describeSdk = (schema: unknown): string => {
  if (typeof schema === 'number') {
    if (schema >= MAP) return `map of string to ${describeSdk(schema - MAP)}`
    if (schema >= LIST) return `list of ${describeSdk(schema - LIST)}`
    return SIMPLE.get(schema) ?? `unknown ${schema}`
  }
  const [kind, , name, traits, first, second] = tuple(schema)
  // A member with traits of its own: the shape and the traits.
  if (typeof kind === 'function') return describeSdk(kind)
  const sensitive = traits === 8 ? 'sensitive ' : ''
  if (kind === 0) return sensitive + describeSdk(first)
  if (kind === 1) return `list of ${describeSdk(first)}`
  if (kind === 2) return `map of ${describeSdk(first)} to ${describeSdk(second)}`
  return `structure ${String(name)}`
}

const describeOurs = (shape: Shape): string => {
  if (shape.type === 'list') return `list of ${describeOurs(shape.member)}`
  if (shape.type === 'map')
    return `map of ${describeOurs(shape.key)} to ${describeOurs(shape.value)}`
  if (shape.type === 'structure') return `structure ${shape.name}`
  const sensitive = 'sensitive' in shape && shape.sensitive ? 'sensitive ' : ''
  return sensitive + shape.type
}

const partsOf = (shape: Shape): readonly Shape[] => {
  if (shape.type === 'list') return [shape.member]
  if (shape.type === 'map') return [shape.key, shape.value]
  return shape.type === 'structure' ? [...shape.members.values()] : []
}

/** Every structure that an input or an output is made of. */
const allStructures = (): ReadonlyMap<string, StructureShape> => {
  const found = new Map<string, StructureShape>()
  const visit = (shape: Shape): void => {
    if (shape.type === 'structure') found.set(shape.name, shape)
    for (const part of partsOf(shape)) visit(part)
  }
  for (const { input, output } of KMS_MODEL.operations.values()) {
    visit(input)
    if (output !== undefined) visit(output)
  }
  return found
}

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
    const structures = allStructures()
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
    for (const shape of allStructures().values()) visit(shape)
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
    const ours = Object.entries(MODELLED_ERRORS).map(
      ([name, error]): [string, { httpStatus: number; fault: boolean; isShared: boolean }] => {
        const { httpStatus, fault } = error
        return [name, { httpStatus, fault, isShared: 'query' in error }]
      },
    )
    const expected = Object.fromEntries(theirs)
    // What Query services alone have is not KMS's.
    const ofKms = ours.filter(([name, { isShared }]) => !isShared || Object.hasOwn(expected, name))
    const compared = ofKms.map(([name, { httpStatus, fault }]) => [name, { httpStatus, fault }])
    assert.deepEqual(Object.fromEntries(compared), expected)
  })

  test('name only modelled errors', () => {
    for (const { name, errors } of KMS_MODEL.operations.values()) {
      for (const code of errors) assert.ok(Object.hasOwn(MODELLED_ERRORS, code), `${name}: ${code}`)
    }
  })

  test('have names that no object inherits, which decoders read by name', () => {
    for (const { name, members } of allStructures().values()) {
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
