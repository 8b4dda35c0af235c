import { spawnSync } from 'node:child_process'
import { pinned } from './measure.ts'

const SECONDS = 1

/**
 * What one RSA-2048 signature costs the `openssl` of this machine: CPU microseconds, on the core of whoever is
 * measured. Undefined where there is no such program.
 *
 * Source: openssl-speed(1): with -mr, `+F2:row:bits:signatures a second:verifications a second`, of the
 * time that the CPU has worked, unless -elapsed is given.
 */
export function opensslSignMicros(): number | undefined {
  const [file, ...args] = [
    ...pinned.server,
    'openssl',
    'speed',
    '-mr',
    '-seconds',
    String(SECONDS),
    'rsa2048',
  ]
  const { status, stdout } = spawnSync(file, args, { encoding: 'latin1' })
  const rate = /^\+F2:\d+:2048:([\d.]+):/m.exec(stdout ?? '')?.[1]
  return status === 0 && rate !== undefined ? 1e6 / Number(rate) : undefined
}
