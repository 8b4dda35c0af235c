import type { DatabaseSync, StatementSync } from 'node:sqlite'

/**
 * Streams of the numbers of events, which are merged and intersected without reading more of the index than the page
 * that is asked for needs. A *position* is an event's number, negated for newest-first: streams always ascend.
 */
export interface EventStream {
  /** The first position of the stream that is not below `position`. Never asked for one below that of an earlier call. */
  seek(position: number): number | undefined
}

const FETCH_FIRST = 8
const FETCH_MAX = 512

/** Reads lists of postings in one direction. */
export class PostingReader {
  readonly #statement: StatementSync
  readonly #sign: 1 | -1

  constructor(db: DatabaseSync, order: 'newest-first' | 'oldest-first') {
    const isNewestFirst = order === 'newest-first'
    this.#sign = isNewestFirst ? -1 : 1
    this.#statement = db.prepare(
      isNewestFirst
        ? 'SELECT event FROM posting WHERE chunk = ? AND list = ? AND event <= ? ORDER BY event DESC LIMIT ?'
        : 'SELECT event FROM posting WHERE chunk = ? AND list = ? AND event >= ? ORDER BY event LIMIT ?',
    )
  }

  positions(place: { chunk: number; list: number }, from: number, limit: number): number[] {
    const sign = this.#sign
    return this.#statement
      .all(place.chunk, place.list, from * sign, limit)
      .map((row) => Number(row['event']) * sign)
  }
}

/** One list of one chunk; reads more at a time the longer it is asked. */
export function listStream(
  reader: PostingReader,
  place: { readonly chunk: number; readonly list: number },
): EventStream {
  let read: number[] = []
  let at = 0
  let fetch = FETCH_FIRST
  let isRead = false
  return {
    seek(position) {
      for (;;) {
        while (at < read.length && (read[at] ?? 0) < position) at += 1
        if (at < read.length) return read[at]
        if (isRead) return undefined
        read = reader.positions(place, position, fetch)
        isRead = read.length < fetch
        at = 0
        fetch = Math.min(fetch * 4, FETCH_MAX)
      }
    },
  }
}

interface Entry {
  /** Of the next event of the stream, or a position that it is not below. */
  at: number
  isExact: boolean
  readonly open: () => EventStream
  stream: EventStream | undefined
}

/** A stream that is opened once the merge comes to where it begins. */
export interface LaterStream {
  /** Nothing in it is below. */
  readonly from: number
  readonly open: () => EventStream
}

/** All events of any of the streams, each once. A stream is asked only when its turn may have come. */
export function mergeStreams(streams: readonly LaterStream[]): EventStream {
  const heap = streams.map(
    ({ from, open }): Entry => ({ at: from, isExact: false, open, stream: undefined }),
  )
  heap.sort((a, b) => a.at - b.at)
  return {
    seek(position) {
      for (;;) {
        const top = heap[0]
        if (top === undefined) return undefined
        if (top.isExact && top.at >= position) return top.at
        top.stream ??= top.open()
        const next = top.stream.seek(Math.max(position, top.at))
        if (next === undefined) {
          const last = heap.pop()
          if (last !== undefined && last !== top) heap[0] = last
        } else {
          top.at = next
          top.isExact = true
        }
        siftDown(heap)
      }
    },
  }
}

/** Brings the first entry to its place. */
function siftDown(heap: Entry[]): void {
  const entry = heap[0]
  if (entry === undefined) return
  let index = 0
  for (;;) {
    let child = 2 * index + 1
    const left = heap[child]
    const right = heap[child + 1]
    if (left === undefined) break
    let least = left
    if (right !== undefined && right.at < left.at) {
      least = right
      child += 1
    }
    if (least.at >= entry.at) break
    heap[index] = least
    index = child
  }
  heap[index] = entry
}

/** The events that are in every one of the streams, of which there is at least one. */
export function intersectStreams(streams: readonly EventStream[]): EventStream {
  const [first, ...others] = streams
  if (first === undefined || others.length === 0) return first ?? { seek: () => undefined }
  return {
    seek(position) {
      let at: number | undefined = position
      for (;;) {
        const start: number | undefined = first.seek(at)
        if (start === undefined) return undefined
        at = start
        for (const other of others) {
          const next: number | undefined = other.seek(at)
          if (next === undefined) return undefined
          at = next
          if (next > start) break
        }
        if (at === start) return at
      }
    },
  }
}
