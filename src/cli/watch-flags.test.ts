import assert from 'node:assert/strict'
import test from 'node:test'
import { runFake } from '../../test/support/fake-terminal.ts'
import type { RunningServer } from './serving-program.ts'

const A_SERVER: RunningServer = {
  endpoint: 'http://127.0.0.1:7600',
  stop: async () => undefined,
  stopped: Promise.resolve(undefined),
}

for (const command of ['start', 'dev'] as const) {
  test(`what ${command} is to tell of requests arrives`, async () => {
    const given: object[] = []
    const serve = async (options: object): Promise<RunningServer> => {
      given.push(options)
      return A_SERVER
    }
    const program = { startServer: serve, startDev: serve }
    const flags = '--log-requests --otlp-endpoint http://[::1]:4318 --trace-sample .25'.split(' ')
    await runFake([command, ...flags], program)
    await runFake([command], program)
    const [asked, plain] = given
    assert.partialDeepStrictEqual(asked, {
      logRequests: true,
      otlpEndpoint: 'http://[::1]:4318',
      traceSample: 0.25,
    })
    for (const name of ['logRequests', 'otlpEndpoint', 'traceSample']) {
      assert.ok(!Object.hasOwn(plain ?? {}, name), name)
    }
  })

  test(`${command} takes no share that is none, and no collector that is no URL`, async () => {
    for (const flags of [
      ['--trace-sample', '1.5'],
      ['--trace-sample', '-1'],
      ['--trace-sample', 'x'],
      ['--otlp-endpoint', 'collector'],
    ]) {
      assert.equal((await runFake([command, ...flags])).exitCode, 2, flags.join(' '))
    }
  })
}
