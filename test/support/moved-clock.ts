/**
 * Loaded before the program (`--import`) by a test that moves the clock of one process: the time of day is
 * the machine's and the milliseconds that stand in the file `TEST_CLOCK_FILE`. Timers and what only grows
 * (`performance.now`) stay the machine's, as they do where somebody sets the clock of a machine.
 */
import { readFileSync } from 'node:fs'

const READ_MS = 20
const file = process.env['TEST_CLOCK_FILE'] ?? ''
const RealDate = Date
let offsetMs = 0

function read(): void {
  try {
    offsetMs = Number(readFileSync(file, 'utf8'))
  } catch {
    // Nobody has moved it yet.
  }
}

read()
setInterval(read, READ_MS).unref()

const now = (): number => RealDate.now() + offsetMs
globalThis.Date = new Proxy(RealDate, {
  construct: (target, args, newTarget) =>
    Reflect.construct(target, args.length === 0 ? [now()] : args, newTarget),
  apply: () => new RealDate(now()).toString(),
  get: (target, name) => (name === 'now' ? now : Reflect.get(target, name)),
})
