import type { StartOptions } from '../../cli/program.ts'
import type { NodeStatus } from '../../core/operator.ts'
import type { ShipDestination } from '../../outbound/shipping/destination.ts'
import { machineClock } from '../clocks.ts'
import { type AnchorChoice, chooseAnchors } from './anchors-choice.ts'
import { nodeLogSource, type TrailFiles } from './compose-trail.ts'
import { chooseEvents, type EventChoice } from './events-choice.ts'
import { composeAnchors, type NodeAnchors } from './node-anchors.ts'
import type { NodeAudit } from './node-audit.ts'
import { type NodeEvents, openNodeEvents } from './node-events.ts'
import { nodeFolder } from './node-folder.ts'
import { composeShipping, type NodeShipping } from './node-shipping.ts'
import type { NodeState, StateParts } from './node-state.ts'
import { chooseDestinations } from './shipping-choice.ts'
import { claimPlaces } from './shipping-places.ts'

/** What is to leave a node, and where to. */
export interface OutboundChoice {
  readonly events: EventChoice
  readonly destinations: readonly ShipDestination[]
  readonly anchors: AnchorChoice
}

/** @throws OperatorError for what can go nowhere; nothing is made or sent yet */
export function chooseOutbound(options: StartOptions): OutboundChoice {
  const { trailFolder } = nodeFolder(options)
  return {
    events: chooseEvents(options.events),
    destinations: chooseDestinations(options.shipping, { trailFolder, env: process.env }),
    anchors: chooseAnchors(options.anchoring, { dataFolder: options.dataFolder, env: process.env }),
  }
}

/** All that leaves a node. */
export interface NodeOutbound {
  readonly events: NodeEvents
  readonly shipping: NodeShipping
  readonly anchors: NodeAnchors
  describe(): Pick<NodeStatus, 'shipping' | 'anchors'>
  /** From now on things go out. */
  start(): void
  close(): Promise<void>
}

/** @throws OperatorError where another node of the store ships to one of the places */
async function claimShared(
  { rows, store }: NodeState,
  nodeId: string,
  destinations: readonly ShipDestination[],
): Promise<void> {
  if (store.mail === undefined) return
  const known = (await store.mail.members()).map((member) => member.nodeId)
  await claimPlaces(rows, { nodeId, places: destinations.map(({ name }) => name), known })
}

/** Opens what was chosen. @throws OperatorError */
export async function openOutbound(
  {
    state,
    audit,
    trailFiles,
  }: {
    readonly state: NodeState
    readonly audit: NodeAudit
    readonly trailFiles: TrailFiles
  },
  { clock, random, log }: StateParts,
  choice: OutboundChoice,
): Promise<NodeOutbound> {
  const { records } = state
  const parts = { records, machine: machineClock, random, log }
  const source = nodeLogSource(state, audit, log)
  const events = await openNodeEvents({ ...parts, source }, choice.events)
  const { nodeId } = audit
  await claimShared(state, nodeId, choice.destinations)
  const { objects, signingKeys } = trailFiles
  const shipping = composeShipping({ ...parts, nodeId, objects }, choice.destinations)
  const head = () => audit.log.head()
  const anchors = composeAnchors({ ...parts, nodeId, head, signingKeys, clock }, choice.anchors)
  return {
    events,
    shipping,
    anchors,
    describe: () => ({ shipping: shipping.describe(), anchors: anchors.describe() }),
    start() {
      events.start()
      shipping.start()
      anchors.start()
    },
    async close() {
      await Promise.all([events.close(), shipping.close(), anchors.close()])
    },
  }
}
