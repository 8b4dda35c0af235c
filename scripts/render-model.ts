import { unreachable } from '../src/core/assert.ts'
import {
  referencesOf,
  type ServiceDescription,
  type ShapeDescription,
} from './service-description.ts'

type Shapes = ServiceDescription['shapes']

const shapeOf = (shapes: Shapes, name: string): ShapeDescription => {
  const shape = shapes[name]
  if (shape === undefined) throw new Error(`${name} is no shape`)
  return shape
}

/**
 * Every shape that an input or output is made of, parts before wholes.
 * @throws {Error} when a shape contains itself: the tables are written as constants, in order.
 */
const shapesInOrder = ({ operations, shapes }: ServiceDescription): string[] => {
  const done = new Set<string>()
  const visit = (name: string, inside: readonly string[]): void => {
    if (inside.includes(name)) throw new Error(`${name} contains itself`)
    if (done.has(name)) return
    for (const part of referencesOf(shapeOf(shapes, name))) visit(part, [...inside, name])
    done.add(name)
  }
  for (const name of Object.keys(shapes)) {
    const used = Object.values(operations).some((o) => o.input === name || o.output === name)
    if (used) visit(name, [])
  }
  return [...done]
}

/** A string literal in the style of the rest of the code. */
const quote = (text: string): string =>
  `'${JSON.stringify(text).slice(1, -1).replaceAll('\\"', '"').replaceAll("'", "\\'")}'`

const quoteAll = (texts: readonly string[]): string => `[${texts.map(quote).join(', ')}]`

/** A map whose keys are an enum need not have them all. */
const mapType = (key: string, value: string): string =>
  key === 'string'
    ? `Readonly<Record<string, ${value}>>`
    : `Readonly<Partial<Record<${key}, ${value}>>>`

/** The TypeScript type of a value of this shape, as handlers see it. */
const typeOf = (shapes: Shapes, name: string): string => {
  const shape = shapeOf(shapes, name)
  const part = (member: { readonly shape: string } | undefined): string => {
    if (member === undefined) throw new Error(`${name} lacks a part`)
    return typeOf(shapes, member.shape)
  }
  switch (shape.type) {
    case 'string':
      if (shape.sensitive === true) return 'Secret'
      return shape.enum === undefined ? 'string' : name
    case 'blob':
      return shape.sensitive === true ? 'Secret' : 'Uint8Array'
    case 'integer':
      return 'number'
    case 'boolean':
      return 'boolean'
    case 'timestamp':
      return 'Instant'
    case 'list':
      return `readonly ${part(shape.member)}[]`
    case 'map':
      return mapType(part(shape.key), part(shape.value))
    case 'structure':
      return name
    default:
      return unreachable(shape.type)
  }
}

/** The members of a table entry that is not a structure. */
const renderFields = (shape: ShapeDescription): string =>
  [
    `type: ${quote(shape.type)}`,
    shape.min === undefined ? '' : `min: ${shape.min}`,
    shape.max === undefined ? '' : `max: ${shape.max}`,
    shape.pattern === undefined ? '' : `pattern: ${quote(shape.pattern)}`,
    shape.patternSays === undefined ? '' : `patternSays: ${quote(shape.patternSays)}`,
    shape.enum === undefined ? '' : `enum: ${quoteAll(shape.enum)}`,
    shape.sensitive === true ? 'sensitive: true' : '',
    shape.member === undefined ? '' : `member: ${shape.member.shape}`,
    shape.key === undefined ? '' : `key: ${shape.key.shape}`,
    shape.value === undefined ? '' : `value: ${shape.value.shape}`,
  ]
    .filter((field) => field !== '')
    .join(', ')

const renderStructure = (shapes: Shapes, name: string, shape: ShapeDescription): string => {
  const required = shape.required ?? []
  const members = Object.entries(shape.members ?? {})
  const types = members.map(([member, { shape: of }]) =>
    required.includes(member)
      ? `  readonly ${member}: ${typeOf(shapes, of)}\n`
      : `  readonly ${member}?: ${typeOf(shapes, of)} | undefined\n`,
  )
  const table = members.map(([member, { shape: of }]) => `${member}: ${of}`).join(', ')
  const record = members.length === 0 ? '{}' : `{ ${table} }`
  const type =
    types.length === 0
      ? `export type ${name} = Readonly<Record<never, never>>\n`
      : `export interface ${name} {\n${types.join('')}}\n`
  return `${type}const ${name} = structure(${quote(name)}, ${quoteAll(required)}, ${record})\n`
}

const renderShape = (shapes: Shapes, name: string): string => {
  const shape = shapeOf(shapes, name)
  if (shape.type === 'structure') return renderStructure(shapes, name, shape)
  const table = `const ${name} = { ${renderFields(shape)} } as const\n`
  return shape.enum === undefined
    ? table
    : `${table}export type ${name} = (typeof ${name})['enum'][number]\n`
}

/** What the file takes from elsewhere, `Instant` and `Secret` only where they are needed. */
const renderImports = (body: string, modelType: string): string => {
  const ids = /\bInstant\b/.test(body) ? "import type { Instant } from '../../core/ids.ts'\n" : ''
  const secret = /\bSecret\b/.test(body)
    ? "import type { Secret } from '../../core/secret.ts'\n"
    : ''
  const types = ['OperationModel', modelType, 'Shape', 'StructureShape'].sort().join(', ')
  return `${ids}import type { ${types} } from '../../core/model.ts'\n${secret}`
}

const HEAD = `// Generated by scripts/generate-model.ts from models/. Do not edit: npm run generate.
// Generated, hence longer than a file written by hand may be.
`

const BUILDERS = `
const structure = (
  name: string,
  required: readonly string[],
  members: Readonly<Record<string, Shape>>,
): StructureShape => ({ type: 'structure', name, required, members: new Map(Object.entries(members)) })

const operation = (
  name: string,
  input: StructureShape,
  output: StructureShape | undefined,
  errors: readonly string[],
): [string, OperationModel] => [name, { name, input, output, errors }]

`

/** The text of `src/services/x/model.ts`: tables and the types of what handlers take and give. */
export const renderModel = (model: ServiceDescription): string => {
  const { operations, shapes, meta } = model
  const entries = Object.entries(operations)
  const tables = entries.map(
    ([name, { input, output, errors }]) =>
      `    operation(${quote(name)}, ${input}, ${output ?? 'undefined'}, ${quoteAll(errors)}),\n`,
  )
  const { query } = meta
  const modelType = query === undefined ? 'ServiceModel' : 'QueryServiceModel'
  const body = [
    BUILDERS,
    ...shapesInOrder(model).map((name) => renderShape(shapes, name)),
    '\n/** What each operation takes, once decoded and validated. */\nexport interface Inputs {\n',
    ...entries.map(([name, { input }]) => `  readonly ${name}: ${input}\n`),
    '}\n\n/** What each operation gives; `undefined` is answered with an empty body. */\n',
    'export interface Outputs {\n',
    ...entries.map(([name, { output }]) => `  readonly ${name}: ${output ?? 'undefined'}\n`),
    '}\n\n/** The name of an operation, as requests have it. */\n',
    'export type OperationName = keyof Inputs\n\n',
    '/** The tables that the codec and the validator interpret. */\n',
    `export const ${meta.service.toUpperCase()}_MODEL: ${modelType} = {\n`,
    `  service: ${quote(meta.service)},\n  targetPrefix: ${quote(meta.targetPrefix)},\n`,
    query === undefined
      ? ''
      : `  query: { version: ${quote(query.version)}, xmlNamespace: ${quote(query.xmlNamespace)} },\n`,
    '  operations: new Map([\n',
    ...tables,
    '  ]),\n}\n',
  ].join('')
  return HEAD + renderImports(body, modelType) + body
}
