import type { AsymmetricEngine } from '../../crypto/asymmetric/engine.ts'
import { openOpensslRoute } from '../../crypto/asymmetric/openssl-route.ts'
import type { ReadyMadeRoute } from '../../crypto/asymmetric/ready-made-input.ts'
import { ThreadPoolGate } from '../../crypto/asymmetric/thread-pool-gate.ts'

/** Tasks on the thread pool at once: the launcher gives it four threads more than there are cores. */
const CONCURRENT = 2
const WAITING_MAX = 10_000

/** An engine that is made with its first ready-made input: most nodes never see one. */
export interface ClosableEngine extends AsymmetricEngine {
  close(): Promise<void>
}

/** What asymmetric operations of this process run on. */
export function createAsymmetricEngine(
  open: typeof openOpensslRoute = openOpensslRoute,
): ClosableEngine {
  let route: ReadyMadeRoute | undefined
  return {
    gate: new ThreadPoolGate({ concurrent: CONCURRENT, waiting: WAITING_MAX }),
    get readyMade() {
      route ??= open({ threads: CONCURRENT, waiting: WAITING_MAX }) ?? fallbackRoute()
      return route
    },
    async close() {
      await route?.close()
    },
  }
}

/**
 * The route for platforms without access to their OpenSSL. Its libraries are loaded with its first use: that
 * takes more than a tenth of a second, which every other start is spared.
 */
function fallbackRoute(): ReadyMadeRoute {
  let loading: Promise<ReadyMadeRoute> | undefined
  const load = (): Promise<ReadyMadeRoute> => {
    loading ??= import('../../crypto/asymmetric/noble-route.ts').then(({ nobleRoute }) =>
      nobleRoute(),
    )
    return loading
  }
  return {
    name: 'noble',
    sign: async (privateKey, what) => (await load()).sign(privateKey, what),
    verify: async (publicKey, what, signature) => (await load()).verify(publicKey, what, signature),
    sm2Encrypt: async (publicKey, plaintext) => (await load()).sm2Encrypt(publicKey, plaintext),
    sm2Decrypt: async (privateKey, ciphertext) => (await load()).sm2Decrypt(privateKey, ciphertext),
    sm2Agree: async (privateKey, peer) => (await load()).sm2Agree(privateKey, peer),
    close: () => Promise.resolve(),
  }
}
