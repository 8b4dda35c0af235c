import type { Instant } from './ids.ts'
import type { Table } from './tables.ts'

/** How far one sink has been served from the audit log of one node. */
export interface EventCursor {
  readonly nodeId: string
  readonly sink: string
  /** What came from frames up to this one is delivered, held or dead. */
  readonly sequence: number
}

/** An event that a sink did not take: it is tried again, or has been given up. */
export interface HeldEvent {
  readonly nodeId: string
  readonly sink: string
  /** Where it stands in the order of the node's events: the frame's sequence, 16 digits, and a number within the frame. */
  readonly position: string
  readonly eventId: string
  readonly detailType: string
  /** Events of one order key reach a sink one after the other. */
  readonly orderKey: string
  /** JSON, as it is sent. */
  readonly text: string
  readonly state: 'waiting' | 'dead'
  readonly heldAt: Instant
  /** How often it was sent in vain. */
  readonly attempts: number
  /** Why the last attempt failed; empty where there was none yet. */
  readonly lastFailure: string
}

export const EVENT_CURSORS: Table<EventCursor> = {
  schema: { name: 'event_cursor', key: ['node_id', 'sink'], columns: {}, indexes: {} },
  keyOf: ({ nodeId, sink }) => [nodeId, sink],
  columnsOf: () => ({}),
}

export const HELD_EVENTS: Table<HeldEvent> = {
  schema: {
    name: 'held_event',
    key: ['node_id', 'sink', 'position'],
    columns: { state: 'text' },
    indexes: { by_state: ['state', 'node_id', 'sink', 'position'] },
  },
  keyOf: ({ nodeId, sink, position }) => [nodeId, sink, position],
  columnsOf: ({ state }) => ({ state }),
}

/** How far the trail of one account and Region has been copied to one destination. */
export interface ShipMark {
  readonly nodeId: string
  readonly destination: string
  readonly accountId: string
  readonly region: string
  /** The end of the newest digest that is there, with all that it names. */
  readonly digestEnd: Instant
}

export const SHIP_MARKS: Table<ShipMark> = {
  schema: {
    name: 'ship_mark',
    key: ['node_id', 'destination', 'account_id', 'region'],
    columns: {},
    indexes: {},
  },
  keyOf: ({ nodeId, destination, accountId, region }) => [nodeId, destination, accountId, region],
  columnsOf: () => ({}),
}

/** In the order in which migrations made them. */
export const OUTBOUND_TABLES = [EVENT_CURSORS, HELD_EVENTS, SHIP_MARKS] as const
