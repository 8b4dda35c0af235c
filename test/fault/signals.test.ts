import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import test, { describe } from 'node:test'
import { fileURLToPath } from 'node:url'
import { temporaryFolder } from '../support/server-process.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** `npm start` in a process group of its own, as a terminal runs it; ready to serve. */
async function npmStart() {
  const flags = ['--port', '0', '--data', temporaryFolder()]
  const npm = spawn('npm', ['start', '--silent', '--', ...flags], {
    cwd: ROOT,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const output = { stdout: '', stderr: '' }
  npm.stdout.setEncoding('utf8').on('data', (text: string) => {
    output.stdout += text
  })
  npm.stderr.setEncoding('utf8').on('data', (text: string) => {
    output.stderr += text
  })
  const closed = once(npm, 'close')
  while (!/ready at http\S+\n/.test(output.stdout)) {
    const what = await Promise.race([once(npm.stdout, 'data'), closed.then(() => 'closed')])
    assert.notEqual(what, 'closed', output.stderr)
  }
  const endpoint = /ready at (http\S+)/.exec(output.stdout)?.[1] ?? ''
  return { npm, endpoint, output, closed }
}

async function assertGone(endpoint: string): Promise<void> {
  await assert.rejects(fetch(`${endpoint}/-/ready`), 'nothing answers any more')
}

describe('a signal under npm start', () => {
  test('that goes to npm alone reaches the server, which ends in good order', async () => {
    const { npm, endpoint, output, closed } = await npmStart()
    assert.equal((await fetch(`${endpoint}/-/ready`)).status, 200)
    npm.kill('SIGTERM')
    // Closed: npm and the server, which holds the same pipes, are both gone.
    await closed
    assert.match(output.stderr, /finishing the requests in flight/)
    await assertGone(endpoint)
  })

  test('that a terminal sends to all of them at once does not count twice', async () => {
    const { npm, endpoint, output, closed } = await npmStart()
    assert.ok(npm.pid)
    process.kill(-npm.pid, 'SIGINT')
    await closed
    assert.match(output.stderr, /finishing the requests in flight/)
    await assertGone(endpoint)
  })
})
