import type { Neighbour } from '../neighbours.ts'
import type { ResultRow } from './connections.ts'
import type { Statement } from './row-sql.ts'

/** How a node that serves from its caches stands in the store. */
export interface PeerRow {
  readonly nodeId: string
  /** Which taking of the node's name it is; see `takeWriter`. */
  readonly incarnation: number
  /** Grows with every sign of life. */
  readonly renewal: number
  /** Every change up to this epoch has left its caches. */
  readonly appliedEpoch: number
}

/** Says that the node lives, from now on; answered with the number of its signs of life. Touches no row when a later process has the node's name. */
export const joinNodes = (nodeId: string, incarnation: number, applied: number): Statement => ({
  text: `INSERT INTO node (node_id, incarnation, live, renewal, applied_epoch) VALUES ($1, $2, true, 1, $3)
    ON CONFLICT (node_id) DO UPDATE
    SET incarnation = excluded.incarnation, live = true, renewal = node.renewal + 1, applied_epoch = excluded.applied_epoch
    WHERE node.incarnation <= excluded.incarnation RETURNING renewal`,
  values: [nodeId, incarnation, applied],
})

/** A sign of life, answered with the epoch of the store. Touches no row when the node has been given up. */
export const renewNode = (nodeId: string, incarnation: number, applied: number): Statement => ({
  text: `UPDATE node SET renewal = renewal + 1, applied_epoch = $3 WHERE node_id = $1 AND incarnation = $2 AND live
    RETURNING (SELECT value FROM counter WHERE name = 'epoch')`,
  values: [nodeId, incarnation, applied],
})

export const leaveNodes = (nodeId: string, incarnation: number): Statement => ({
  text: 'UPDATE node SET live = false WHERE node_id = $1 AND incarnation = $2',
  values: [nodeId, incarnation],
})

/** The nodes that live, but for one. */
export const readPeers = (nodeId: string): Statement => ({
  text: 'SELECT node_id, incarnation, renewal, applied_epoch FROM node WHERE live AND node_id <> $1',
  values: [nodeId],
})

/** All nodes but one, whether they live or not. */
export const readMembers = (nodeId: string): Statement => ({
  text: 'SELECT node_id, live FROM node WHERE node_id <> $1 ORDER BY node_id',
  values: [nodeId],
})

/** Forgets a node that does not live, unless audit frames of it wait. */
export const forgetNode = (nodeId: string): Statement => ({
  text: `DELETE FROM node WHERE node_id = $1 AND NOT live
    AND NOT EXISTS (SELECT 1 FROM outbox WHERE outbox.node_id = node.node_id)`,
  values: [nodeId],
})

/** Gives a node up that has given no sign of life since. */
export const giveUpNode = ({ nodeId, incarnation, renewal }: PeerRow): Statement => ({
  text: 'UPDATE node SET live = false WHERE node_id = $1 AND incarnation = $2 AND renewal = $3 AND live',
  values: [nodeId, incarnation, renewal],
})

/** Whichever process has the node's name can write nothing more. */
export const fenceWriter = (nodeId: string): Statement => ({
  text: 'UPDATE writer SET incarnation = incarnation + 1 WHERE node_id = $1',
  values: [nodeId],
})

/** … and serve nothing more: see `joinNodes`. */
export const fenceNode = (nodeId: string): Statement => ({
  text: 'UPDATE node SET incarnation = incarnation + 1, live = false WHERE node_id = $1',
  values: [nodeId],
})

export const readNeighbours = (nodeId: string): Statement => ({
  text: `SELECT node.node_id, node.live, node.renewal, (SELECT count(*) FROM outbox WHERE outbox.node_id = node.node_id)
    FROM node WHERE node.node_id <> $1 ORDER BY node.node_id`,
  values: [nodeId],
})

export const neighbourOf = ([nodeId, isLive, renewal, frames]: ResultRow): Neighbour => ({
  nodeId: String(nodeId),
  isLive: isLive === true,
  renewal: Number(renewal),
  frames: Number(frames),
})

export function peerOf([nodeId, incarnation, renewal, appliedEpoch]: ResultRow): PeerRow {
  return {
    nodeId: String(nodeId),
    incarnation: Number(incarnation),
    renewal: Number(renewal),
    appliedEpoch: Number(appliedEpoch),
  }
}
