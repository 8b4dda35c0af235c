import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { diskTrailObjects } from '../../src/audit/trail/trail-objects-disk.ts'
import { TrailSigningKeys } from '../../src/audit/trail/trail-signing-keys.ts'
import { createRandom } from '../../src/crypto/random.ts'
import { machineClock } from '../../src/server/clocks.ts'
import { openNodeState } from '../../src/server/node/node-state.ts'
import { temporaryFolder } from '../support/server-process.ts'
import { checkChain, folderOptions } from '../support/trail-fixture.ts'
import { keptLog } from './audit-fixture.ts'

const WRITER = fileURLToPath(new URL('./trail-writer-process.ts', import.meta.url))
const FIRST_LINE = 'ok '.length

/** Runs the writer, and kills it when it has acknowledged so many events. @returns their ids */
async function run(folder: string, round: number, killAfter: number | undefined) {
  const events = killAfter === undefined ? '5' : '0'
  const child = spawn(process.execPath, [WRITER, folder, events, String(round)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const exited = once(child, 'exit')
  const ids: string[] = []
  for await (const line of createInterface(child.stdout)) {
    ids.push(line.slice(FIRST_LINE))
    if (ids.length === killAfter) child.kill('SIGKILL')
  }
  assert.deepEqual(await exited, killAfter === undefined ? [0, null] : [null, 'SIGKILL'])
  return ids
}

test('a node that is killed at any moment has every record in its trail once, and one chain', async () => {
  const folder = temporaryFolder()
  const acknowledged: string[] = []
  for (const [round, killAfter] of [1, 6, 13, 20, 27].entries()) {
    acknowledged.push(...(await run(folder, round, killAfter)))
  }
  acknowledged.push(...(await run(folder, 99, undefined)))
  const parts = { clock: machineClock, random: createRandom(), log: keptLog() }
  const state = await openNodeState(folderOptions(folder), parts, 'existing')
  const chain = await checkChain({
    objects: diskTrailObjects(state.folder.trailFolder),
    signingKeys: new TrailSigningKeys({ records: state.records, clock: machineClock }),
  })
  await state.close()
  const delivered = chain.flatMap(({ events }) => events.flat())
  assert.equal(new Set(delivered).size, delivered.length, 'none twice')
  assert.deepEqual(
    acknowledged.filter((id) => !delivered.includes(id)),
    [],
  )
  assert.ok(chain.length > 10, `${chain.length} digests`)
})
