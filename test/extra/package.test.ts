import assert from 'node:assert/strict'
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { after, before, describe } from 'node:test'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const scratch = realpathSync(mkdtempSync(join(tmpdir(), 'strongroom-package-')))
const app = join(scratch, 'app')
const modules = join(app, 'node_modules')
const installed = join(modules, 'strongroom')
after(() => rmSync(scratch, { recursive: true, force: true }))

const IMPORTED =
  /(?:^import\s*|^(?:import|export)\s[^'"=\n]*\sfrom\s*|\bimport\()['"]([^'"\n]+)['"]/gm

/** Packs a copy, so that the checkout gets no `dist`. */
function pack(): string {
  const copy = join(scratch, 'checkout')
  mkdirSync(copy)
  for (const name of readdirSync(ROOT)) {
    if (['node_modules', 'dist', '.git', 'strongroom-data'].includes(name)) continue
    cpSync(join(ROOT, name), join(copy, name), { recursive: true })
  }
  symlinkSync(join(ROOT, 'node_modules'), join(copy, 'node_modules'))
  const packed = spawnSync('npm', ['pack', '--pack-destination', scratch], {
    cwd: copy,
    encoding: 'utf8',
  })
  assert.equal(packed.status, 0, packed.stdout + packed.stderr)
  const tarball = readdirSync(scratch).find((name) => name.endsWith('.tgz'))
  assert.ok(tarball)
  return join(scratch, tarball)
}

/** What `npm install` does, without a registry: dependencies are links to the checkout's. */
function install(tarball: string): void {
  mkdirSync(join(modules, '.bin'), { recursive: true })
  execFileSync('tar', ['-xzf', tarball, '-C', modules])
  execFileSync('mv', [join(modules, 'package'), installed])
  symlinkSync('../strongroom/bin/strongroom', join(modules, '.bin/strongroom'))
  for (const name of readdirSync(join(ROOT, 'node_modules'))) {
    if (name !== '.bin') symlinkSync(join(ROOT, 'node_modules', name), join(modules, name))
  }
  writeFileSync(join(app, 'package.json'), '{"type":"module"}\n')
}

function run(command: string, ...args: readonly string[]) {
  const result = spawnSync(command, args, { cwd: app, encoding: 'utf8' })
  assert.equal(result.stderr, '')
  assert.equal(result.status, 0)
  return result.stdout
}

describe('the package that strangers install', () => {
  before(() => install(pack()))

  test('holds the program and nothing else', () => {
    const top = readdirSync(installed).toSorted()
    const allowed = ['LICENSE', 'NOTICE', 'README.md', 'bin', 'dist', 'index.js', 'package.json']
    assert.deepEqual(
      top.filter((name) => !allowed.includes(name)),
      [],
    )
    const compiled = readdirSync(join(installed, 'dist'), { recursive: true, encoding: 'utf8' })
    assert.ok(compiled.includes('main.js'))
    assert.deepEqual(
      compiled.filter((name) => /\.test\.|(?<!\.d)\.ts$/.test(name)),
      [],
    )
  })

  test('imports nothing that it does not bring', () => {
    const manifest: { readonly dependencies: Readonly<Record<string, string>> } = JSON.parse(
      readFileSync(join(installed, 'package.json'), 'utf8'),
    )
    const compiled = readdirSync(join(installed, 'dist'), { recursive: true, encoding: 'utf8' })
    const dependencies = Object.keys(manifest.dependencies)
    for (const file of compiled.filter((name) => name.endsWith('.js'))) {
      const text = readFileSync(join(installed, 'dist', file), 'utf8')
      for (const [, specifier = ''] of text.matchAll(IMPORTED)) {
        if (specifier.startsWith('.')) {
          assert.ok(
            existsSync(join(installed, 'dist', file, '..', specifier)),
            `${file}: ${specifier}`,
          )
        } else if (!specifier.startsWith('node:')) {
          assert.ok(
            dependencies.includes(
              specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/'),
            ),
            specifier,
          )
        }
      }
    }
  })

  test('has the command', () => {
    assert.match(run('node_modules/.bin/strongroom', '--help'), /^Usage: strongroom /)
    assert.match(run('node_modules/.bin/strongroom', 'version'), /^\d+\.\d+\.\d+\n$/)
  })

  test('starts a node from compiled code, and ends it on a signal', async () => {
    const data = join(scratch, 'data')
    const server = spawn('node_modules/.bin/strongroom', ['start', '--port', '0', '--data', data], {
      cwd: app,
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    let output = ''
    for await (const chunk of server.stdout
      .setEncoding('utf8')
      .iterator({ destroyOnReturn: false })) {
      output += chunk
      if (/ready at http/.test(output)) break
    }
    assert.match(output, /eval "\$\(strongroom env --data /)
    const endpoint = /ready at (http\S+)/.exec(output)?.[1]
    assert.equal((await fetch(`${endpoint}/-/ready`)).status, 200)
    server.kill('SIGTERM')
    assert.deepEqual(await once(server, 'exit'), [0, null])
  })

  test('is a library for import and for require', () => {
    const use = `const s = await startStrongroom()
const { status } = await fetch(s.endpoint + '/-/ready')
await s.stop()
console.log(status)\n`
    writeFileSync(join(app, 'use.mjs'), `import { startStrongroom } from 'strongroom'\n${use}`)
    writeFileSync(
      join(app, 'use.cjs'),
      `const { startStrongroom } = require('strongroom')\nvoid (async () => {\n${use}})()\n`,
    )
    for (const file of ['use.mjs', 'use.cjs']) {
      assert.equal(run(process.execPath, '--disable-warning=ExperimentalWarning', file), '200\n')
    }
  })

  test('tells an older Node.js what it needs', () => {
    const pretend = `data:text/javascript,Object.defineProperty(process,'versions',{value:{node:'24.1.0'}})`
    const result = spawnSync(
      process.execPath,
      ['--import', pretend, '-e', "import('strongroom')"],
      {
        cwd: app,
        encoding: 'utf8',
      },
    )
    assert.equal(result.status, 1)
    assert.match(result.stderr, /Error: strongroom needs Node\.js 26 or later as a library/)
  })

  test('has types that a strict project compiles with', () => {
    writeFileSync(
      join(app, 'types.ts'),
      `import { startStrongroom } from 'strongroom'
const strongroom = await startStrongroom({ region: 'eu-central-1' })
export const endpoint: string = strongroom.endpoint
await strongroom.advance(60)
// @ts-expect-error: seconds are a number
await strongroom.advance('60')
// @ts-expect-error: no such option
await startStrongroom({ colour: 'red' })
`,
    )
    const options = {
      strict: true,
      noEmit: true,
      module: 'nodenext',
      target: 'es2024',
      types: ['node'],
    }
    writeFileSync(
      join(app, 'tsconfig.json'),
      JSON.stringify({
        compilerOptions: { ...options, exactOptionalPropertyTypes: true },
        files: ['types.ts'],
      }),
    )
    assert.equal(run(join(ROOT, 'node_modules/.bin/tsc'), '-p', '.'), '')
  })
})
