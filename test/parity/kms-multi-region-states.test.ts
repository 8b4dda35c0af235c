import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { plusMs } from '../../src/core/ids.ts'
import type { KeyState } from '../../src/core/key.ts'
import { KEYS } from '../../src/core/tables.ts'
import { type MemoryNode, startMemoryNode } from '../support/memory-node.ts'
import { createKey, refused, succeeded, WireClient } from '../support/wire-client.ts'

const ACCOUNT = '111122223333'
const HOME = 'eu-central-1'
const AWAY = 'eu-west-1'
const WINDOW_MS = 7 * 86_400_000

type Outcome = 'ok' | 'disabled' | `pending${string}` | 'unavailable' | 'creating' | 'updating'

/** Source: AWS KMS Developer Guide, Key states of AWS KMS keys, table. */
const USE = {
  Enabled: 'ok',
  Disabled: 'disabled',
  PendingDeletion: 'pending deletion',
  PendingReplicaDeletion: 'pending replica deletion',
  PendingImport: 'pending import',
  Unavailable: 'unavailable',
  Creating: 'creating',
} as const satisfies Partial<Record<KeyState['name'], Outcome>>

interface StateCase {
  readonly operation: string
  /** Whose state the case is about. */
  readonly of: 'primary' | 'replica'
  readonly input: object
  readonly states: Readonly<Record<KeyState['name'], Outcome>>
}

const STATE_CASES: readonly StateCase[] = [
  {
    operation: 'ReplicateKey',
    of: 'primary',
    input: { ReplicaRegion: 'us-east-1' },
    states: { ...USE, Updating: 'updating' },
  },
  {
    operation: 'ReplicateKey',
    of: 'replica',
    input: { ReplicaRegion: 'us-east-1' },
    states: {
      Enabled: 'ok',
      Disabled: 'ok',
      PendingDeletion: 'ok',
      PendingReplicaDeletion: 'ok',
      PendingImport: 'ok',
      Unavailable: 'ok',
      Creating: 'ok',
      Updating: 'ok',
    },
  },
  {
    operation: 'UpdatePrimaryRegion',
    of: 'primary',
    input: { PrimaryRegion: AWAY },
    states: { ...USE, Updating: 'ok' },
  },
  {
    operation: 'UpdatePrimaryRegion',
    of: 'replica',
    input: { PrimaryRegion: AWAY },
    states: { ...USE, Updating: 'ok' },
  },
]

const STATES = Object.keys(STATE_CASES[0]?.states ?? {}) as readonly KeyState['name'][]

let node: MemoryNode
let kms: WireClient

before(async () => {
  node = await startMemoryNode()
  kms = new WireClient(node.endpoint, ACCOUNT)
})

after(async () => {
  kms.close()
  await node.close()
})

/** The state with what only it carries. */
function stateOf(name: KeyState['name']): KeyState {
  if (name === 'PendingDeletion') return { name, deletionDate: plusMs(node.clock.now(), WINDOW_MS) }
  return name === 'PendingReplicaDeletion' ? { name, windowDays: 7 } : { name }
}

/** Brings a key into a state, also one that no call brings about. */
async function setState(region: string, keyId: string, name: KeyState['name']): Promise<void> {
  await node.records.transaction(async (tx) => {
    const stored = await tx.find(KEYS, [region, keyId])
    assert.ok(stored)
    await tx.update(KEYS, stored, { ...stored.record, state: stateOf(name) })
  })
}

describe('each operation meets a multi-Region key', () => {
  for (const { operation, of, input, states } of STATE_CASES) {
    for (const state of STATES) {
      const outcome = states[state]
      test(`${operation} (${of}), ${state}: ${outcome}`, async () => {
        const { id: KeyId, arn } = await createKey(kms, { MultiRegion: true })
        succeeded(await kms.kms('ReplicateKey', { KeyId, ReplicaRegion: AWAY }))
        const region = of === 'primary' ? HOME : AWAY
        await setState(region, KeyId, state)
        const answer = await kms.kms(operation, { KeyId, ...input })
        if (outcome === 'ok') {
          assert.equal(answer.status, 200, answer.text)
          return
        }
        const code = outcome === 'disabled' ? 'DisabledException' : 'KMSInvalidStateException'
        refused(answer, code, `${arn.replace(HOME, region)} is ${outcome}.`)
      })
    }
  }
})
