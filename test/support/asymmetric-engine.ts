import assert from 'node:assert/strict'
import type { AsymmetricEngine } from '../../src/crypto/asymmetric/engine.ts'
import { openOpensslRoute } from '../../src/crypto/asymmetric/openssl-route.ts'
import { ThreadPoolGate } from '../../src/crypto/asymmetric/thread-pool-gate.ts'

/** An engine on the OpenSSL of this process. Close its route after the tests. */
export function testEngine(): AsymmetricEngine {
  const readyMade = openOpensslRoute({ threads: 2, waiting: 1_000 })
  assert.ok(readyMade, 'this platform has the native route')
  return { gate: new ThreadPoolGate({ concurrent: 3, waiting: 10_000 }), readyMade }
}
