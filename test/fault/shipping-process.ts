/**
 * A process that ships a trail to a store and to a folder until all is there, or it is killed. Prints `done`.
 * Arguments: the node's store, the folder of its trail, the URL of the store to ship to, the folder to ship to.
 */
import { diskTrailObjects } from '../../src/audit/trail/trail-objects-disk.ts'
import { instant, type Region } from '../../src/core/ids.ts'
import { TABLES } from '../../src/core/tables.ts'
import { createRandom } from '../../src/crypto/random.ts'
import { folderDestination } from '../../src/outbound/shipping/folder-destination.ts'
import { S3Destination } from '../../src/outbound/shipping/s3-destination.ts'
import { TrailShipper } from '../../src/outbound/shipping/trail-shipper.ts'
import { openEmbeddedStore } from '../../src/storage/embedded/embedded-store.ts'
import { createRecordStore } from '../../src/storage/record-store.ts'
import { TwoKeyGuard } from '../contract/record-store-fixture.ts'
import { S3_CREDENTIALS } from '../support/s3-stand-in.ts'

const [file = '', trailFolder = '', url = '', copies = ''] = process.argv.slice(2)
const machine = { now: () => instant(Date.now()) }
const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined }

const rows = await openEmbeddedStore({ file, tables: TABLES.map(({ schema }) => schema) })
const records = createRecordStore({ rows, guard: new TwoKeyGuard(), cacheRecords: 100 })
const store = new S3Destination({
  name: 's3',
  endpoint: new URL(url),
  // A Region of AWS's.
  region: 'eu-central-1' as Region,
  bucket: 'copies',
  prefix: '',
  credentials: () => S3_CREDENTIALS,
  machine,
})
const shippers = [store, folderDestination('dir', copies)].map(
  (destination) =>
    new TrailShipper({
      nodeId: 'node-1',
      records,
      objects: diskTrailObjects(trailFolder),
      destination,
      machine,
      random: createRandom(),
      log: quiet,
    }),
)
for (const shipper of shippers) {
  // A round that failed is followed by a pause, in which rounds do nothing.
  do await shipper.round()
  while (shipper.stats().failure !== undefined && (await pause()))
}
for (const shipper of shippers) await shipper.close()
await rows.close()
process.stdout.write('done\n')

async function pause(): Promise<true> {
  await new Promise((resolve) => setTimeout(resolve, 50))
  return true
}
