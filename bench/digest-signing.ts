/**
 * What a signature costs over a message and over a ready-made digest, for every key spec that signs.
 * Run: node bench/digest-signing.ts [seconds for each figure, 0.3 if left out]
 */
import { createHash } from 'node:crypto'
import type { AsymmetricEngine } from '../src/crypto/asymmetric/engine.ts'
import type { AsymmetricSpec } from '../src/crypto/asymmetric/key-algorithms.ts'
import { isAsymmetricSpec, KEY_ALGORITHMS } from '../src/crypto/asymmetric/key-algorithms.ts'
import type { OpenKeyPair } from '../src/crypto/asymmetric/key-pair.ts'
import { generateKeyPairOf, openKeyPair } from '../src/crypto/asymmetric/key-pair.ts'
import { openOpensslRoute } from '../src/crypto/asymmetric/openssl-route.ts'
import type { SigningInput } from '../src/crypto/asymmetric/signing.ts'
import { sign, verify } from '../src/crypto/asymmetric/signing.ts'
import type { MessageType, SigningAlgorithm } from '../src/crypto/asymmetric/signing-algorithms.ts'
import {
  SIGNING_ALGORITHMS,
  signingAlgorithmsOf,
} from '../src/crypto/asymmetric/signing-algorithms.ts'
import { ThreadPoolGate } from '../src/crypto/asymmetric/thread-pool-gate.ts'

const MESSAGE = Buffer.alloc(256, 'm')
const secondsEach = Number(process.argv[2] ?? 0.3)

const readyMade = openOpensslRoute({ threads: 1, waiting: 100 })
if (readyMade === undefined) throw new Error('this Node.js has no way into its OpenSSL')
const engine: AsymmetricEngine = {
  gate: new ThreadPoolGate({ concurrent: 1, waiting: 100 }),
  readyMade,
}

console.log('µs for one operation, one at a time, median of the runs')
console.log(row('key spec', 'algorithm', 'sign RAW', 'DIGEST', 'ratio', 'verify RAW', 'DIGEST'))
for (const spec of Object.keys(KEY_ALGORITHMS).filter(isAsymmetricSpec)) {
  const { material } = await generateKeyPairOf(spec, engine.gate)
  using owned = material
  const key = openKeyPair(spec, owned)
  for (const algorithm of shownAlgorithms(spec)) await measure(key, algorithm)
}
await readyMade.close()

/** One of each padding: the hash makes no difference to speak of. */
function shownAlgorithms(spec: AsymmetricSpec): readonly SigningAlgorithm[] {
  return signingAlgorithmsOf(spec).filter((name) => !/^RSA.*(384|512)$/.test(name))
}

async function measure(key: OpenKeyPair, algorithm: SigningAlgorithm): Promise<void> {
  const figures = new Map<MessageType, { readonly sign: number; readonly verify: number }>()
  for (const messageType of SIGNING_ALGORITHMS[algorithm].messageBytes.keys()) {
    const input = inputOf(algorithm, messageType)
    const signature = await sign(engine, key, input)
    figures.set(messageType, {
      sign: await micros(() => sign(engine, key, input)),
      verify: await micros(() => verify(engine, key, input, signature)),
    })
  }
  const raw = figures.get('RAW')
  const ready = figures.get('DIGEST') ?? figures.get('EXTERNAL_MU')
  const ratio = raw && ready ? (ready.sign / raw.sign).toFixed(2) : ''
  console.log(
    row(
      key.spec,
      algorithm,
      shown(raw?.sign),
      shown(ready?.sign),
      ratio,
      shown(raw?.verify),
      shown(ready?.verify),
    ),
  )
}

function inputOf(algorithm: SigningAlgorithm, messageType: MessageType): SigningInput {
  const bytes = SIGNING_ALGORITHMS[algorithm].messageBytes.get(messageType)
  const digest = createHash('sha512').update(MESSAGE).digest()
  return {
    algorithm,
    messageType,
    message: bytes === undefined ? MESSAGE : digest.subarray(0, bytes),
  }
}

/** The median of as many runs as fit the time, at least five. */
async function micros(run: () => Promise<unknown>): Promise<number> {
  const samples: number[] = []
  const end = performance.now() + secondsEach * 1000
  for (let i = 0; i < 3; i++) await run()
  while (samples.length < 5 || performance.now() < end) {
    const start = performance.now()
    await run()
    samples.push((performance.now() - start) * 1000)
  }
  samples.sort((a, b) => a - b)
  return samples[samples.length >> 1] ?? 0
}

function shown(figure: number | undefined): string {
  return figure === undefined ? '-' : figure.toFixed(0)
}

function row(...cells: readonly string[]): string {
  const [spec = '', algorithm = '', ...figures] = cells
  return spec.padEnd(22) + algorithm.padEnd(27) + figures.map((text) => text.padStart(11)).join('')
}
