import { assert } from '../../core/assert.ts'
import type { Stored } from '../../core/records.ts'
import type { Table } from '../../core/tables.ts'
import type { IamScope } from './iam-operation.ts'

/** Source: AWS IAM API Reference, the MaxItems member of each listing. */
const PAGE_ITEMS = 100
/** Records that are read at once where a filter leaves some out. */
const CHUNK_RECORDS = 1000

export interface PageRequest {
  readonly Marker?: string | undefined
  readonly MaxItems?: number | undefined
}

/** Items of a page, and what its reply says of the next one. */
export interface Page<Item> {
  readonly items: readonly Item[]
  readonly next: { readonly IsTruncated: boolean; readonly Marker?: string | undefined }
}

/** What is listed: the records of an index that have the same first columns. */
export interface RecordListing<R> {
  readonly table: Table<R>
  readonly index: string
  readonly equals: readonly string[]
  /** The columns of the index behind `equals`. */
  positionOf(record: R): readonly string[]
  includes?(record: R): boolean
  /** What the listing depends on besides the account and the operation: a marker holds for the same alone. */
  readonly filter?: string | undefined
}

/** A page of items that are at hand in order, the first of them behind the marker. */
function cutPage<Item>(
  scope: IamScope,
  filter: string,
  { limit, items, positionOf }: Cut<Item>,
): Page<Item> {
  const shown = items.slice(0, limit)
  const last = shown.at(-1)
  if (items.length <= limit || last === undefined) {
    return { items: shown, next: { IsTruncated: false } }
  }
  const marker = scope.markers.encode(scope.call, filter, positionOf(last))
  return { items: shown, next: { IsTruncated: true, Marker: marker } }
}

interface Cut<Item> {
  readonly limit: number
  readonly items: readonly Item[]
  positionOf(item: Item): readonly string[]
}

const startOf = (
  scope: IamScope,
  filter: string,
  { Marker: marker }: PageRequest,
): readonly string[] | undefined =>
  marker === undefined ? undefined : scope.markers.decode(scope.call, filter, marker)

/** @throws ServiceError ValidationException for a marker of another listing */
export async function pageOfRecords<R>(
  scope: IamScope,
  listing: RecordListing<R>,
  request: PageRequest,
): Promise<Page<Stored<R>>> {
  const { table, index, equals, positionOf, includes, filter = '' } = listing
  const limit = request.MaxItems ?? PAGE_ITEMS
  let after = startOf(scope, filter, request)
  const items: Stored<R>[] = []
  // Ends with the account's records, which a quota bounds: pages only go forward.
  while (items.length <= limit) {
    const chunk = includes === undefined ? limit + 1 : CHUNK_RECORDS
    const query = { index, equals, ...(after && { after }), limit: chunk }
    const found = await scope.records.page(table, query)
    items.push(...found.filter(({ record }) => includes?.(record) ?? true))
    const last = found.at(-1)
    if (last === undefined || found.length < chunk) break
    after = positionOf(last.record)
  }
  return cutPage(scope, filter, { limit, items, positionOf: ({ record }) => positionOf(record) })
}

function isBehind(position: readonly string[], start: readonly string[]): boolean {
  for (const [at, part] of position.entries()) {
    const other = start[at] ?? ''
    if (part !== other) return part > other
  }
  return false
}

/**
 * A page of items that are at hand; they are sorted here.
 * @throws ServiceError ValidationException for a marker of another listing
 */
export function pageOfItems<Item>(
  scope: IamScope,
  items: readonly Item[],
  positionOf: (item: Item) => readonly string[],
  request: PageRequest,
  filter = '',
): Page<Item> {
  const start = startOf(scope, filter, request)
  const sorted = items.toSorted((one, other) =>
    isBehind(positionOf(one), positionOf(other)) ? 1 : -1,
  )
  const rest =
    start === undefined ? sorted : sorted.filter((item) => isBehind(positionOf(item), start))
  return cutPage(scope, filter, { limit: request.MaxItems ?? PAGE_ITEMS, items: rest, positionOf })
}

/** A page of a list that is short and has no better position than a number. */
export const pageOfItemsByNumber = <Item>(
  scope: IamScope,
  items: readonly Item[],
  request: PageRequest,
  filter: string,
): Promise<Page<Item>> => {
  const itemAt = (at: number): Item => {
    const item = items[at]
    assert(item !== undefined, 'a page ends with its list')
    return item
  }
  return pageOfNumbered(scope, { total: items.length, itemAt }, request, filter)
}

/**
 * A page of what is told by its number, from 0, and made when it is shown.
 * @throws ServiceError ValidationException for a marker of another listing
 */
export async function pageOfNumbered<Item>(
  scope: IamScope,
  { total, itemAt }: { readonly total: number; itemAt(at: number): Item | Promise<Item> },
  request: PageRequest,
  filter: string,
): Promise<Page<Item>> {
  const start = Number(startOf(scope, filter, request)?.[0] ?? 0)
  const end = Math.min(total, start + (request.MaxItems ?? PAGE_ITEMS))
  const items: Item[] = []
  for (let at = start; at < end; at++) items.push(await itemAt(at))
  if (end >= total) return { items, next: { IsTruncated: false } }
  const marker = scope.markers.encode(scope.call, filter, [String(end)])
  return { items, next: { IsTruncated: true, Marker: marker } }
}
