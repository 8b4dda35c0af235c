/**
 * The vocabulary of service models: what the generated tables (`services/x/model.ts`) are made of.
 * A table is interpreted by `protocol/` (bytes to values) and `pipeline/validate.ts` (constraints).
 */

interface Lengths {
  readonly min?: number
  readonly max?: number
}

export interface StringShape extends Lengths {
  readonly type: 'string'
  readonly pattern?: string
  /** The service's own words for a value that does not match, which it says after all other constraints. */
  readonly patternSays?: string
  readonly enum?: readonly string[]
  readonly sensitive?: boolean
}
/** Base64 on the wire. Lengths count the decoded bytes. A sensitive blob is a `Secret`. */
export interface BlobShape extends Lengths {
  readonly type: 'blob'
  readonly sensitive?: boolean
}
export interface IntegerShape extends Lengths {
  readonly type: 'integer'
}
export interface BooleanShape {
  readonly type: 'boolean'
}
/** Epoch seconds on the wire, possibly with a fraction; an `Instant` inside. */
export interface TimestampShape {
  readonly type: 'timestamp'
}
export interface ListShape extends Lengths {
  readonly type: 'list'
  readonly member: Shape
}
export interface MapShape extends Lengths {
  readonly type: 'map'
  readonly key: Shape
  readonly value: Shape
}
export interface StructureShape {
  readonly type: 'structure'
  readonly name: string
  readonly required: readonly string[]
  /** In the model's order: validation failures are reported in it. */
  readonly members: ReadonlyMap<string, Shape>
}

export type Shape =
  | StringShape
  | BlobShape
  | IntegerShape
  | BooleanShape
  | TimestampShape
  | ListShape
  | MapShape
  | StructureShape

export interface OperationModel {
  readonly name: string
  readonly input: StructureShape
  /** Absent: the operation answers 200 with an empty body. */
  readonly output: StructureShape | undefined
  /** The modelled errors, beyond the common ones. */
  readonly errors: readonly string[]
}

export interface ServiceModel {
  /** The signing name, which routes a request: `kms`. */
  readonly service: string
  /** `X-Amz-Target` is this prefix, a dot and the operation. */
  readonly targetPrefix: string
  readonly operations: ReadonlyMap<string, OperationModel>
}

/** How a service speaks the Query protocol. */
export interface QueryFacts {
  /** What `Version` must be: `2011-06-15`. */
  readonly version: string
  /** `https://sts.amazonaws.com/doc/2011-06-15/` */
  readonly xmlNamespace: string
}

/** The model of a service that speaks the Query protocol. */
export interface QueryServiceModel extends ServiceModel {
  readonly query: QueryFacts
}
