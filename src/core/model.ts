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
/** A number of any size, with a fraction. */
export interface DoubleShape {
  readonly type: 'double'
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
  /** In the XML of REST services: what an item is called; `member` where absent. */
  readonly itemName?: string
  /** In the XML of REST services: the items stand in place of the list, each under the list's name. */
  readonly flattened?: boolean
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
  | DoubleShape
  | BooleanShape
  | TimestampShape
  | ListShape
  | MapShape
  | StructureShape

/** Where a member of a REST operation stands, outside of the body. */
export interface RestPlace {
  /** `headers` holds a map: all headers that begin with the name. */
  readonly in: 'path' | 'query' | 'header' | 'headers'
  /** `Key`, `max-keys`, `If-Match`, `x-amz-meta-` */
  readonly name: string
}

/** How a REST operation is told, and where its members are. */
export interface RestFacts {
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE'
  /** `/{Bucket}/{Key+}`: a label ends at the next slash, one with a plus holds everything behind. */
  readonly path: string
  /** The query parameter that tells it from its neighbours: `location`, `list-type=2`. */
  readonly query?: string
  /** Members that are not listed stand in the body. */
  readonly input: ReadonlyMap<string, RestPlace>
  readonly output: ReadonlyMap<string, RestPlace>
  /** The member of the output that is the body; without it the body is XML. */
  readonly payload?: string
  /** What the root element of the reply is called. */
  readonly root?: string
  /** Whether the one member of the output is the text of the root element itself. */
  readonly unwrapped?: boolean
}

export interface OperationModel {
  readonly name: string
  readonly input: StructureShape
  /** Absent: the operation answers 200 with an empty body. */
  readonly output: StructureShape | undefined
  /** The modelled errors, beyond the common ones. */
  readonly errors: readonly string[]
  /** Of REST services. */
  readonly rest?: RestFacts
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

/** The model of a service that speaks REST with XML bodies. */
export interface RestServiceModel extends ServiceModel {
  /** `http://s3.amazonaws.com/doc/2006-03-01/` */
  readonly xmlNamespace: string
}
