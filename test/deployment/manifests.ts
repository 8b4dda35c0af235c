import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseAllDocuments } from 'yaml'

/** A part of a manifest, before anything is known of it. */
export type Node = { readonly [member: string]: unknown }

/** One document of a file. */
export interface Manifest {
  /** From the folder of all manifests. */
  readonly file: string
  readonly body: Node
}

const isNode = (value: unknown): value is Node =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** A member by its path, `spec.template.spec`; an empty node where there is none. */
export function nodeAt(node: Node, path: string): Node {
  const found = valueAt(node, path)
  return isNode(found) ? found : {}
}

/** The members of a list that are nodes; none where there is no list. */
export function listAt(node: Node, path: string): readonly Node[] {
  const found = valueAt(node, path)
  return Array.isArray(found) ? found.filter(isNode) : []
}

/** The texts of a list. */
export function textsAt(node: Node, path: string): readonly string[] {
  const found = valueAt(node, path)
  return Array.isArray(found) ? found.map(String) : []
}

/** What stands at a path. */
export const valueAt = (node: Node, path: string): unknown =>
  path.split('.').reduce<unknown>((value, name) => (isNode(value) ? value[name] : undefined), node)

/** A text or number; the empty text where there is none. */
export function textAt(node: Node, path: string): string {
  const found = valueAt(node, path)
  return typeof found === 'string' || typeof found === 'number' ? String(found) : ''
}

/**
 * Every document below a folder. Strict: a key that stands twice, an unknown tag or any warning is an error.
 * @throws for what is no YAML
 */
export function readManifests(root: string): readonly Manifest[] {
  return readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.yaml'))
    .toSorted()
    .flatMap((file) => parseManifests(file, readFileSync(join(root, file), 'utf8')))
}

/** The documents of one file. */
export function parseManifests(file: string, text: string): readonly Manifest[] {
  return parseAllDocuments(text, { strict: true, uniqueKeys: true, merge: false }).map(
    (document) => {
      const [problem] = [...document.errors, ...document.warnings]
      if (problem !== undefined) throw new Error(`${file}: ${problem.message}`)
      const body: unknown = document.toJS()
      // A patch in the form of JSON is a list of operations.
      return { file, body: isNode(body) ? body : { operations: body } }
    },
  )
}

/** What a kustomization names that is not there. */
export function checkKustomization(root: string, { file, body }: Manifest): readonly string[] {
  const folder = join(root, file, '..')
  const named = [
    ...textsAt(body, 'resources'),
    ...textsAt(body, 'components'),
    ...listAt(body, 'patches').map((patch) => textAt(patch, 'path')),
  ]
  return named
    .filter((path) => {
      const place = join(folder, path)
      return path.endsWith('.yaml')
        ? !existsSync(place)
        : !existsSync(join(place, 'kustomization.yaml'))
    })
    .map((path) => `${file}: there is no ${path}`)
}
