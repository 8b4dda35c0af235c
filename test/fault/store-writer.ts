/**
 * A process that writes to an embedded store until it is stopped, for the store's fault tests:
 * `node store-writer.ts FILE PREFIX WRITERS COUNT`. Each of WRITERS loops inserts COUNT rows in
 * transactions of two. On standard output: `ready`, then `ack ID` when a transaction has resolved
 * and `refused ID ERROR` when it was rejected; after a refusal the loop waits for a line on standard
 * input. Ends with `done`.
 */
import { writeSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { TABLES } from '../../src/core/tables.ts'
import { openEmbeddedStore } from '../../src/storage/embedded/embedded-store.ts'
import { aKeyRow, KEY_TABLE } from '../contract/row-samples.ts'

const [file = '', prefix = '', writers = '1', count = '1'] = process.argv.slice(2)
// Synchronous: what has been said must have left the process when it is killed.
const say = (line: string): void => {
  writeSync(1, `${line}\n`)
}
const lines = createInterface({ input: process.stdin })
const nextLine = (): Promise<unknown> => new Promise((resolve) => lines.once('line', resolve))

const store = await openEmbeddedStore({ file, tables: TABLES.map((table) => table.schema) })
say('ready')
const body = 'x'.repeat(2000)

async function write(writer: number): Promise<void> {
  for (let n = 0; n < Number(count); n++) {
    const id = `${prefix}-${writer}-${n}`
    try {
      await store.transaction(async (tx) => {
        await tx.insert(KEY_TABLE, aKeyRow(`${id}-a`, { body }))
        await tx.insert(KEY_TABLE, aKeyRow(`${id}-b`, { body }))
        await tx.addOutbox(id)
      })
      say(`ack ${id}`)
    } catch (error) {
      say(`refused ${id} ${error instanceof Error ? error.name : 'unknown'}`)
      await nextLine()
    }
  }
}
await Promise.all(Array.from({ length: Number(writers) }, (_, writer) => write(writer)))
await store.close()
lines.close()
say('done')
