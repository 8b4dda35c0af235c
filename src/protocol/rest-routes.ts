import { ServiceError } from '../core/errors.ts'
import type { OperationModel, RestFacts } from '../core/model.ts'
import type { HttpRequest } from '../core/transport.ts'
import { type FormParameters, parseForm } from './form.ts'

/**
 * Which operation of a REST service a request is for: by its method, its path and one parameter.
 *
 * **Source:** Smithy 2.0, HTTP bindings.
 */

/** What a request holds outside of its body; names are matched by the places of the model. */
export interface RestInput {
  readonly path: ReadonlyMap<string, string>
  readonly query: FormParameters
  readonly headers: HttpRequest['headers']
}

export interface RestCall {
  readonly operation: string
  readonly input: RestInput
}

/** A path of the model, ready to be matched. */
interface PathPattern {
  readonly matcher: RegExp
  readonly labels: readonly string[]
}

interface Route {
  readonly name: string
  readonly rest: RestFacts
  readonly pattern: PathPattern
  readonly marker: readonly [name: string, value: string | undefined] | undefined
}

/** `/{Bucket}/{Key+}`: a slash behind the last label may be left out or be there. */
function compilePath(path: string): PathPattern {
  const labels: string[] = []
  const source = path.replaceAll(/\{(\w+)(\+?)\}/g, (_, label: string, greedy: string) => {
    labels.push(label)
    return greedy === '' ? '([^/]+)' : '(.+)'
  })
  return { matcher: new RegExp(`^${source}${path.endsWith('+}') ? '' : '/?'}$`, 's'), labels }
}

function markerOf(query: string | undefined): Route['marker'] {
  if (query === undefined) return undefined
  const equals = query.indexOf('=')
  return equals === -1 ? [query, undefined] : [query.slice(0, equals), query.slice(equals + 1)]
}

function decodeLabel(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw new ServiceError('SerializationException', "Couldn't parse the specified URI.")
  }
}

/** A target comes as bytes: what is not ASCII there is in no known character set. */
const ONLY_ASCII = /^[!-~]*$/

export interface RestRules {
  /** Put in front of the path, where the host names what paths begin with. */
  pathPrefixOf(request: HttpRequest): string
  /** Why the service does not look at a request at all; undefined where it does. */
  refusalOf(request: HttpRequest): ServiceError | undefined
  /** Parameters that ask for something else than the operation they would be taken for. */
  readonly unserved: ReadonlySet<string>
}

/** Finds the operations of one service. */
export class RestRoutes {
  readonly #routes: readonly Route[]
  readonly #rules: RestRules

  constructor(models: Iterable<OperationModel>, rules: RestRules) {
    const routes = [...models].flatMap(({ name, rest }) =>
      rest === undefined
        ? []
        : [{ name, rest, pattern: compilePath(rest.path), marker: markerOf(rest.query) }],
    )
    // What a parameter tells apart comes before what it is told apart from.
    this.#routes = [
      ...routes.filter(({ marker }) => marker !== undefined),
      ...routes.filter(({ marker }) => marker === undefined),
    ]
    this.#rules = rules
  }

  /**
   * @throws {ServiceError} what the service refuses; MethodNotAllowed, NotImplemented; SerializationException,
   * RequestEntityTooLargeException
   */
  find(request: HttpRequest): RestCall {
    const { method, target, headers } = request
    const refusal = this.#rules.refusalOf(request)
    if (refusal !== undefined) throw refusal
    if (!ONLY_ASCII.test(target)) throw new ServiceError('SerializationException', 'Invalid URI')
    const mark = target.indexOf('?')
    const query = mark === -1 ? NO_PARAMETERS : parseForm(target.slice(mark + 1), 'target')
    const path = this.#rules.pathPrefixOf(request) + (mark === -1 ? target : target.slice(0, mark))
    for (const { name, rest, pattern, marker } of this.#routes) {
      if (rest.method !== method) continue
      if (marker !== undefined && !isMarked(query, marker)) continue
      const match = pattern.matcher.exec(path)
      if (match === null) continue
      if (query.keys().some((parameter) => this.#rules.unserved.has(parameter))) break
      const labels = pattern.labels.map((label, at): [string, string] => [
        label,
        decodeLabel(match[at + 1] ?? ''),
      ])
      return { operation: name, input: { path: new Map(labels), query, headers } }
    }
    const isKnown = this.#routes.some(({ rest }) => rest.method === method)
    throw new ServiceError(isKnown ? 'NotImplemented' : 'MethodNotAllowed')
  }
}

const NO_PARAMETERS: FormParameters = new Map()

function isMarked(
  query: FormParameters,
  [name, value]: readonly [name: string, value: string | undefined],
): boolean {
  const given = query.get(name)
  return given !== undefined && (value === undefined || given === value)
}
