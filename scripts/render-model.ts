import { unreachable } from '../src/core/assert.ts'
import {
  type OperationDescription,
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
    case 'double':
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
    shape.itemName === undefined ? '' : `itemName: ${quote(shape.itemName)}`,
    shape.flattened === true ? 'flattened: true' : '',
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
  const rest = /\bRestFacts\b/.test(body) ? ['RestFacts'] : []
  const types = ['OperationModel', modelType, 'Shape', 'StructureShape', ...rest].sort().join(', ')
  return `${ids}import type { ${types} } from '../../core/model.ts'\n${secret}`
}

const HEAD = `// Generated by scripts/generate-model.ts from models/. Do not edit: npm run generate.
// Generated, hence longer than a file written by hand may be.
`

/** The last argument of a REST operation: how it is told and where its members are. */
const renderRest = (shapes: Shapes, { rest, input, output }: OperationDescription): string => {
  if (rest === undefined) return ''
  const places = (name: string | null): string => {
    const members = Object.entries(name === null ? {} : (shapeOf(shapes, name).members ?? {}))
    const placed = members.flatMap(([member, { in: place, name: called }]) =>
      place === undefined || called === undefined
        ? []
        : [`        [${quote(member)}, { in: ${quote(place)}, name: ${quote(called)} }],\n`],
    )
    return placed.length === 0 ? 'new Map()' : `new Map([\n${placed.join('')}      ])`
  }
  const { method, path, query, payload, root, unwrapped } = rest
  return [
    `, {\n      method: ${quote(method)},\n      path: ${quote(path)},\n`,
    query === undefined ? '' : `      query: ${quote(query)},\n`,
    `      input: ${places(input)},\n      output: ${places(output)},\n`,
    payload === undefined ? '' : `      payload: ${quote(payload)},\n`,
    root === undefined ? '' : `      root: ${quote(root)},\n`,
    unwrapped === true ? '      unwrapped: true,\n' : '',
    '    }',
  ].join('')
}

const BUILDERS = `
const structure = (
  name: string,
  required: readonly string[],
  members: Readonly<Record<string, Shape>>,
): StructureShape => ({ type: 'structure', name, required, members: new Map(Object.entries(members)) })

`

const OPERATION_BUILDER = `const operation = (
  name: string,
  input: StructureShape,
  output: StructureShape | undefined,
  errors: readonly string[],
): [string, OperationModel] => [name, { name, input, output, errors }]

`

const REST_OPERATION_BUILDER = `const operation = (
  name: string,
  input: StructureShape,
  output: StructureShape | undefined,
  errors: readonly string[],
  rest: RestFacts,
): [string, OperationModel] => [name, { name, input, output, errors, rest }]

`

const modelTypeOf = ({ query, rest }: ServiceDescription['meta']): string => {
  if (rest !== undefined) return 'RestServiceModel'
  return query === undefined ? 'ServiceModel' : 'QueryServiceModel'
}

/** What a service that speaks Query or REST says of its protocol. */
const renderWire = ({ query, rest }: ServiceDescription['meta']): string => {
  if (rest !== undefined) return `  xmlNamespace: ${quote(rest.xmlNamespace)},\n`
  if (query === undefined) return ''
  return `  query: { version: ${quote(query.version)}, xmlNamespace: ${quote(query.xmlNamespace)} },\n`
}

/** The folder of a service, which is called after its signing name unless the model says otherwise. */
export const folderOf = ({ service, folder = service }: ServiceDescription['meta']): string =>
  folder

/** The text of `src/services/x/model.ts`: tables and the types of what handlers take and give. */
export const renderModel = (model: ServiceDescription): string => {
  const { operations, shapes, meta } = model
  const entries = Object.entries(operations)
  const tables = entries.map(
    ([name, operation]) =>
      `    operation(${quote(name)}, ${operation.input}, ${operation.output ?? 'undefined'}, ${quoteAll(operation.errors)}${renderRest(shapes, operation)}),\n`,
  )
  const modelType = modelTypeOf(meta)
  const body = [
    BUILDERS,
    meta.rest === undefined ? OPERATION_BUILDER : REST_OPERATION_BUILDER,
    ...shapesInOrder(model).map((name) => renderShape(shapes, name)),
    '\n/** What each operation takes, once decoded and validated. */\nexport interface Inputs {\n',
    ...entries.map(([name, { input }]) => `  readonly ${name}: ${input}\n`),
    '}\n\n/** What each operation gives; `undefined` is answered with an empty body. */\n',
    'export interface Outputs {\n',
    ...entries.map(([name, { output }]) => `  readonly ${name}: ${output ?? 'undefined'}\n`),
    '}\n\n/** The name of an operation, as requests have it. */\n',
    'export type OperationName = keyof Inputs\n\n',
    '/** The tables that the codec and the validator interpret. */\n',
    `export const ${folderOf(meta).toUpperCase()}_MODEL: ${modelType} = {\n`,
    `  service: ${quote(meta.service)},\n  targetPrefix: ${quote(meta.targetPrefix)},\n`,
    renderWire(meta),
    '  operations: new Map([\n',
    ...tables,
    '  ]),\n}\n',
  ].join('')
  return HEAD + renderImports(body, modelType) + body
}
