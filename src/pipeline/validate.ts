import { assert, unreachable } from '../core/assert.ts'
import { ServiceError } from '../core/errors.ts'
import type { ListShape, MapShape, Shape, StructureShape } from '../core/model.ts'
import { constraintsOf } from './constraints.ts'
import { shownValue } from './shown-value.ts'

/** As many as AWS's front end reports at once. Source: replies recorded with Kinesis. */
const FAILURES_MAX = 10

const NOT_NULL = 'Member must not be null'

/** A compiled shape. `passes` is the hot path; `report` runs when it said no and finds the words. */
interface Check {
  passes(value: unknown): boolean
  report(value: unknown, path: string, failures: string[]): void
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null

/** Whether values of this shape are reported by their own paths, not with the list that holds them. */
const isComposite = ({ type }: Shape): boolean =>
  type === 'structure' || type === 'list' || type === 'map'

/** AWS names members in lowerCamelCase, letter by letter: `AWSAccountId` becomes `aWSAccountId`. */
const lowerFirst = (name: string): string => name.charAt(0).toLowerCase() + name.slice(1)

const failureOf = (shown: string, path: string, rule: string): string =>
  `Value ${shown}at '${path}' failed to satisfy constraint: ${rule}`

const compileOwn = (shape: Shape): Check => {
  const { each } = constraintsOf(shape)
  const [only] = each
  return {
    passes:
      only === undefined
        ? () => true
        : each.length === 1
          ? (value) => only.holds(value)
          : (value) => {
              for (const constraint of each) if (!constraint.holds(value)) return false
              return true
            },
    report: (value, path, failures) => {
      const broken = each.filter((constraint) => !constraint.holds(value))
      if (broken.length === 0) return
      const shown = shownValue(shape, value)
      for (const { text } of broken) failures.push(failureOf(shown, path, text))
    },
  }
}

/** The elements of a list or a map, or the keys of a map. */
interface Elements {
  readonly shape: Shape
  readonly check: Check
  /** AWS's words for them. */
  readonly label: 'Member' | 'Map keys' | 'Map value'
}

const elementsOf = (shape: Shape, label: Elements['label']): Elements => ({
  shape,
  check: compile(shape),
  label,
})

/** Reports simple elements with `whole`, composite ones by their own paths. */
const reportElements = (
  { shape, check, label }: Elements,
  values: readonly (readonly [position: string, value: unknown])[],
  whole: { readonly shape: Shape; readonly value: unknown; readonly path: string },
  failures: string[],
): void => {
  if (isComposite(shape)) {
    for (const [position, value] of values) {
      if (failures.length >= FAILURES_MAX) return
      const path = `${whole.path}.${position}.member`
      if (value === null) failures.push(failureOf('null ', path, NOT_NULL))
      else check.report(value, path, failures)
    }
    return
  }
  const hasNull = values.some(([, value]) => value === null)
  if (!hasNull && values.every(([, value]) => check.passes(value))) return
  const { all } = constraintsOf(shape)
  const rules = (hasNull ? [...all, NOT_NULL] : all).join(', ')
  const shown = shownValue(whole.shape, whole.value)
  failures.push(failureOf(shown, whole.path, `${label} must satisfy constraint: [${rules}]`))
}

const compileList = (shape: ListShape): Check => {
  const own = compileOwn(shape)
  const members = elementsOf(shape.member, 'Member')
  return {
    passes: (value) => {
      if (!own.passes(value) || !Array.isArray(value)) return false
      for (const item of value) if (item === null || !members.check.passes(item)) return false
      return true
    },
    report: (value, path, failures) => {
      own.report(value, path, failures)
      assert(Array.isArray(value), `${path} is no list`)
      const values = value.map((item: unknown, index) => [String(index + 1), item] as const)
      reportElements(members, values, { shape, value, path }, failures)
    },
  }
}

const compileMap = (shape: MapShape): Check => {
  const own = compileOwn(shape)
  const keys = elementsOf(shape.key, 'Map keys')
  const values = elementsOf(shape.value, 'Map value')
  return {
    passes: (value) => {
      if (!own.passes(value) || !isRecord(value)) return false
      // The decoder's maps have no prototype, so these are their own names; for-in allocates nothing.
      for (const name in value) {
        const item = value[name]
        if (item === null || !values.check.passes(item) || !keys.check.passes(name)) return false
      }
      return true
    },
    report: (value, path, failures) => {
      own.report(value, path, failures)
      assert(isRecord(value), `${path} is no map`)
      const names = Object.keys(value).map((name) => [name, name] as const)
      reportElements(keys, names, { shape, value, path }, failures)
      reportElements(values, Object.entries(value), { shape, value, path }, failures)
    },
  }
}

const compileStructure = (shape: StructureShape): Check => {
  const fields = [...shape.members].map(([name, member]) => ({
    name,
    label: lowerFirst(name),
    required: shape.required.includes(name),
    check: compile(member),
  }))
  return {
    passes: (value) => {
      if (!isRecord(value)) return false
      for (const { name, required, check } of fields) {
        const member = value[name]
        if (member === undefined ? required : !check.passes(member)) return false
      }
      return true
    },
    report: (value, path, failures) => {
      assert(isRecord(value), `${path} is no structure`)
      for (const { name, label, required, check } of fields) {
        if (failures.length >= FAILURES_MAX) return
        const member = value[name]
        const memberPath = path === '' ? label : `${path}.${label}`
        if (member !== undefined) check.report(member, memberPath, failures)
        else if (required) failures.push(failureOf('null ', memberPath, NOT_NULL))
      }
    },
  }
}

const compile = (shape: Shape): Check => {
  switch (shape.type) {
    case 'structure':
      return compileStructure(shape)
    case 'list':
      return compileList(shape)
    case 'map':
      return compileMap(shape)
    case 'string':
    case 'blob':
    case 'integer':
    case 'double':
    case 'boolean':
    case 'timestamp':
      return compileOwn(shape)
    default:
      return unreachable(shape)
  }
}

/**
 * Compiles the constraints of an operation's input. The function it gives takes what the codec decoded,
 * and checks members in the model's order.
 * @throws {ServiceError} (the function) ValidationException, in AWS's words.
 */
export const compileValidator = (
  shape: StructureShape,
): ((input: Readonly<Record<string, unknown>>) => void) => {
  const check = compileStructure(shape)
  return (input) => {
    if (check.passes(input)) return
    const failures: string[] = []
    check.report(input, '', failures)
    failures.length = Math.min(failures.length, FAILURES_MAX)
    assert(failures.length > 0, `${shape.name} does not pass and nothing says why`)
    const count =
      failures.length === 1 ? '1 validation error' : `${failures.length} validation errors`
    throw new ServiceError('ValidationException', `${count} detected: ${failures.join('; ')}`)
  }
}

/** Compiled validators by their shapes, which never change: it saves time and cannot be observed. */
const VALIDATORS = new WeakMap<StructureShape, ReturnType<typeof compileValidator>>()

/** `compileValidator` for callers that have a shape at hand; each shape is compiled once. */
export const validate = (shape: StructureShape, input: Readonly<Record<string, unknown>>): void => {
  let validator = VALIDATORS.get(shape)
  if (validator === undefined) {
    validator = compileValidator(shape)
    VALIDATORS.set(shape, validator)
  }
  validator(input)
}
