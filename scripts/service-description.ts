/** What a file under `models/` holds: `models/README.md` documents the format. */

export interface MemberDescription {
  readonly shape: string
  /** Of REST services: where the member stands, if not in the body, and under which name. */
  readonly in?: 'path' | 'query' | 'header' | 'headers'
  readonly name?: string
}

export interface ShapeDescription {
  readonly type:
    | 'string'
    | 'blob'
    | 'integer'
    | 'double'
    | 'boolean'
    | 'timestamp'
    | 'list'
    | 'map'
    | 'structure'
  readonly min?: number
  readonly max?: number
  readonly pattern?: string
  readonly patternSays?: string
  readonly enum?: readonly string[]
  readonly sensitive?: boolean
  readonly member?: MemberDescription
  readonly itemName?: string
  readonly flattened?: boolean
  readonly key?: MemberDescription
  readonly value?: MemberDescription
  readonly required?: readonly string[]
  readonly members?: Readonly<Record<string, MemberDescription>>
  readonly exception?: boolean
  readonly fault?: boolean
  /** The status that the wire carries, for exceptions. */
  readonly httpWire?: number
  /** What the Query protocol calls an exception. */
  readonly code?: string
}

export interface OperationDescription {
  readonly input: string
  readonly output: string | null
  readonly errors: readonly string[]
  /** Of REST services. */
  readonly rest?: RestDescription
}

export interface RestDescription {
  readonly method: string
  readonly path: string
  readonly query?: string
  readonly payload?: string
  readonly root?: string
  readonly unwrapped?: boolean
}

export interface ServiceDescription {
  readonly meta: {
    readonly service: string
    /** What its folder is called, where that is not `service`. */
    readonly folder?: string
    readonly targetPrefix: string
    /** Of a service that speaks the Query protocol. */
    readonly query?: { readonly version: string; readonly xmlNamespace: string }
    /** Of a service that speaks REST with XML bodies. */
    readonly rest?: { readonly xmlNamespace: string }
    readonly counts: { readonly operations: number; readonly shapes: number }
  }
  readonly operations: Readonly<Record<string, OperationDescription>>
  readonly shapes: Readonly<Record<string, ShapeDescription>>
}

const IDENTIFIER = /^[A-Za-z][A-Za-z0-9]*$/

/**
 * Reads one model file and checks what the generator relies on.
 * @throws {Error} when a reference leads nowhere, a name is no identifier or the counts differ.
 */
export const parseModel = (text: string): ServiceDescription => {
  // Our own committed file; the checks below prove the parts of its form that code is made from.
  const model: ServiceDescription = JSON.parse(text)
  const { operations, shapes, meta } = model
  const refer = (from: string, name: string): void => {
    if (!Object.hasOwn(shapes, name))
      throw new Error(`${from} refers to ${name}, which is no shape`)
  }
  for (const name of [...Object.keys(operations), ...Object.keys(shapes)]) {
    if (!IDENTIFIER.test(name)) throw new Error(`${name} is no identifier`)
  }
  for (const [name, operation] of Object.entries(operations)) {
    const { input, output, errors } = operation
    for (const shape of [input, ...(output === null ? [] : [output]), ...errors]) refer(name, shape)
  }
  for (const [name, shape] of Object.entries(shapes)) {
    for (const reference of referencesOf(shape)) refer(name, reference)
    for (const member of shape.required ?? []) {
      if (!Object.hasOwn(shape.members ?? {}, member)) throw new Error(`${name} has no ${member}`)
    }
  }
  if (
    Object.keys(operations).length !== meta.counts.operations ||
    Object.keys(shapes).length !== meta.counts.shapes
  ) {
    throw new Error('the counts in meta differ from what the file holds')
  }
  return model
}

/** The shapes that a shape is made of, in order. */
export const referencesOf = (shape: ShapeDescription): string[] =>
  [shape.member, shape.key, shape.value, ...Object.values(shape.members ?? {})]
    .filter((member) => member !== undefined)
    .map((member) => member.shape)
