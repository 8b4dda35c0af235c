import { makeCanary } from '../../backup/canaries.ts'
import { type WrittenBackup, writeBackup } from '../../backup/write-backup.ts'
import type { Clock, Random } from '../../core/ports.ts'
import { KEYS, TABLES } from '../../core/tables.ts'
import { CUSTODY_SETTING } from '../../crypto/custody.ts'
import { SoftwareKeyStore } from '../../keystore/software/software-key-store.ts'
import { SnapshotRecords } from '../../storage/snapshot-records.ts'
import { createAsymmetricEngine } from '../node/asymmetric-engine.ts'
import { nodeIdOf } from '../node/node-id.ts'
import type { NodeState } from '../node/node-state.ts'
import { programVersion } from '../version.ts'

/** Backs up the store of an open node, which goes on serving. @throws {OperatorError} */
export async function backUpNode(
  { rows, custody, folder }: Pick<NodeState, 'rows' | 'custody' | 'folder'>,
  path: string,
  { clock, random }: { readonly clock: Clock; readonly random: Random },
): Promise<WrittenBackup> {
  const engine = createAsymmetricEngine()
  const keystore = new SoftwareKeyStore(random, engine)
  try {
    return await writeBackup(
      {
        rows,
        tables: TABLES.map(({ schema }) => schema),
        nodeId: nodeIdOf(folder, random),
        async open(snapshot) {
          // Keys may be rotated while it is read, here or on another node.
          const keys = custody.asOf((await snapshot.setting(CUSTODY_SETTING)) ?? '')
          const records = new SnapshotRecords(snapshot, keys)
          return {
            keys,
            async canaryOf(table, row) {
              if (table.name !== KEYS.schema.name) return undefined
              const stored = await records.find(KEYS, row.key)
              return stored && makeCanary({ records, keystore }, stored.record)
            },
          }
        },
      },
      path,
      { clock, random, version: programVersion() },
    )
  } finally {
    await engine.close()
  }
}
