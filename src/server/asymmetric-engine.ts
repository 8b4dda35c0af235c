import { assert } from '../core/assert.ts'
import type { AsymmetricEngine } from '../crypto/asymmetric/engine.ts'
import { openOpensslRoute } from '../crypto/asymmetric/openssl-route.ts'
import type { ReadyMadeRoute } from '../crypto/asymmetric/ready-made-input.ts'
import { ThreadPoolGate } from '../crypto/asymmetric/thread-pool-gate.ts'

/** Tasks on the thread pool at once: the launcher gives it four threads more than there are cores. */
const CONCURRENT = 2
const WAITING_MAX = 10_000

/** An engine that is made with its first ready-made input: most nodes never see one. */
export interface ClosableEngine extends AsymmetricEngine {
  close(): Promise<void>
}

/** What asymmetric operations of this process run on. */
export function createAsymmetricEngine(): ClosableEngine {
  let route: ReadyMadeRoute | undefined
  return {
    gate: new ThreadPoolGate({ concurrent: CONCURRENT, waiting: WAITING_MAX }),
    get readyMade() {
      route ??= openOpensslRoute({ threads: CONCURRENT, waiting: WAITING_MAX })
      assert(route !== undefined, 'this platform gives access to its OpenSSL')
      return route
    },
    async close() {
      await route?.close()
    },
  }
}
