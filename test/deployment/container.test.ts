import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { ServerProcess } from '../support/server-process.ts'
import { checkContainerfile, pairsOf, parseContainerfile } from './containerfile.ts'
import { checkStartVariable } from './start-flags.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8')
const text = read('deploy/container/Containerfile')
const { stages } = parseContainerfile(text)
const runtime = stages.at(-1)
assert.ok(runtime)
const environment = pairsOf(runtime, 'ENV')

describe('the container file', () => {
  test('keeps the rules for images', () => {
    assert.deepEqual(checkContainerfile(text), [])
  })

  test('builds and runs in two stages', () => {
    assert.equal(stages.length, 2)
    assert.match(stages[0]?.image ?? '', /\/node:\d+-\w+-slim$/)
    assert.match(runtime.image, /\/debian:\w+-slim$/)
  })

  test('sets variables that flags have, to values that they take', () => {
    const ours = [...environment].filter(([name]) => name.startsWith('STRONGROOM_'))
    assert.ok(ours.length >= 4)
    assert.deepEqual(
      ours.flatMap(([name, value]) => checkStartVariable(name, value)),
      [],
    )
  })

  test('copies what is there and what .dockerignore lets through', () => {
    const allowed = new Set(
      read('.dockerignore')
        .split('\n')
        .filter((line) => line.startsWith('!'))
        .map((line) => line.slice(1)),
    )
    assert.match(read('.dockerignore'), /^\*$/m)
    const sources = stages
      .flatMap(({ instructions }) => instructions)
      .filter(({ name, rest }) => name === 'COPY' && !rest.includes('--from='))
      .flatMap(({ rest }) => rest.split(/\s+/).slice(0, -1))
    assert.ok(sources.length > 8)
    for (const source of sources) {
      assert.ok(allowed.has(source), source)
      assert.ok(source.includes('*') || existsSync(join(ROOT, source)), source)
    }
    assert.equal(allowed.size, new Set(sources).size)
  })

  const breaks: readonly (readonly [string, RegExp, string, RegExp])[] = [
    ['an image without a tag', /debian:bookworm-slim/, 'debian', /has no tag/],
    ['the tag latest', /debian:bookworm-slim/, 'debian:latest', /has no tag/],
    ['root', /^USER .*/m, 'USER root', /USER/],
    ['no user', /^USER .*/m, '', /USER/],
    ['ADD of a URL', /^COPY bin bin/m, 'ADD https://example.com/x bin', /ADD/],
    ['npm install', /npm ci --ignore-scripts$/m, 'npm install', /lockfile/],
    ['install scripts', /npm ci --ignore-scripts$/m, 'npm ci', /foreign code/],
    ['a download', /npm run build/, 'curl https://example.com', /fetches/],
    ['everything copied', /^COPY bin bin/m, 'COPY . .', /whatever lies there/],
    ['no health check', /^HEALTHCHECK[^\n]*\n[^\n]*/m, '', /HEALTHCHECK/],
    ['another signal', /^STOPSIGNAL .*/m, 'STOPSIGNAL SIGKILL', /STOPSIGNAL/],
    ['a secret', /^WORKDIR \/build/m, 'ARG NPM_TOKEN', /a secret in ARG/],
    ['a shell in front', /^ENTRYPOINT .*/m, 'ENTRYPOINT strongroom', /ENTRYPOINT/],
    ['packages that packages recommend', / --no-install-recommends/, '', /more than/],
    ['no volume', /^VOLUME .*/m, '', /VOLUME/],
  ]
  for (const [what, from, to, problem] of breaks) {
    test(`would not pass with ${what}`, () => {
      const broken = text.replace(from, to)
      assert.notEqual(broken, text)
      assert.match(checkContainerfile(broken).join('\n'), problem)
    })
  }
})

/** Runs the health check as the image does, against another port. */
const check = (port: string): Promise<{ readonly code: number; readonly said: string }> =>
  new Promise((resolve) => {
    const script = join(ROOT, 'deploy/container/healthcheck.js')
    const env = { ...Object.fromEntries(environment), STRONGROOM_PORT: port }
    execFile(process.execPath, [script], { env }, (error, stdout) => {
      resolve({ code: Number(error?.code ?? 0), said: stdout.trim() })
    })
  })

describe('the health check of the image', () => {
  for (const flags of [[], ['--tls']]) {
    test(`finds a node ready that serves ${flags.join() || 'plain HTTP'}, and not when it has ended`, async () => {
      await using node = new ServerProcess({ flags })
      const { port } = new URL((await node.ready()).endpoint)
      assert.deepEqual(await check(port), { code: 0, said: '200 {"status":"ready"}' })
      await node.stop()
      const { code, said } = await check(port)
      assert.equal(code, 1)
      assert.match(said, /ECONNREFUSED/)
    })
  }

  test('finds a node that is not ready', async () => {
    const server = createServer((request, response) => {
      response.statusCode = request.url === '/-/ready' ? 503 : 200
      response.end('{"status":"sealed"}')
    }).listen(0, '127.0.0.1')
    await new Promise((resolve) => server.once('listening', resolve))
    // net.Server: an address of a TCP socket, because it listens on a port.
    const { port } = server.address() as AddressInfo
    try {
      const { code, said } = await check(String(port))
      assert.equal(code, 1)
      assert.match(said, /503 \{"status":"sealed"\}/)
    } finally {
      server.closeAllConnections()
      server.close()
    }
  })
})
