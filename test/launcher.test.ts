import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import test, { after, describe } from 'node:test'

const ROOT = new URL('..', import.meta.url).pathname
const LAUNCHER = join(ROOT, 'bin/strongroom')
const MANIFEST: unknown = createRequire(import.meta.url)('../package.json')

/** What a stand-in for main.ts prints: how it was started. */
const REPORT = `console.log(JSON.stringify({
  main: import.meta.filename, node: process.version, pid: process.pid, flags: process.execArgv,
  args: process.argv.slice(2), pool: process.env.UV_THREADPOOL_SIZE, cwd: process.cwd(),
}))\n`

interface Report {
  readonly main: string
  readonly node: string
  readonly pid: number
  readonly flags: readonly string[]
  readonly args: readonly string[]
  readonly pool: string
  readonly cwd: string
}

const scratch = realpathSync(mkdtempSync(join(tmpdir(), 'strongroom-launcher-')))
after(() => rmSync(scratch, { recursive: true, force: true }))

const platformPackage = ((): string => {
  const arch = process.arch === 'arm64' ? 'arm64' : 'x64'
  const name =
    process.platform === 'darwin' && arch === 'arm64'
      ? 'node-bin-darwin'
      : `node-${process.platform}`
  return `${name}-${arch}`
})()
const pinnedNodeFolder = dirname(
  createRequire(import.meta.url).resolve(`${platformPackage}/package.json`),
)

/** A package with the launcher and a `main` that reports, in a folder of its own. */
function aPackage(folder: string, main: 'src/main.ts' | 'dist/main.js'): string {
  const root = join(scratch, folder)
  mkdirSync(join(root, dirname(main)), { recursive: true })
  mkdirSync(join(root, 'bin'))
  cpSync(LAUNCHER, join(root, 'bin/strongroom'))
  writeFileSync(join(root, 'package.json'), '{"type":"module"}\n')
  writeFileSync(join(root, main), REPORT)
  return root
}

/** Puts the pinned Node.js, or a package of its name in another version, into `folder/node_modules`. */
function bringNode(folder: string, version?: string): void {
  const modules = join(folder, 'node_modules')
  mkdirSync(modules, { recursive: true })
  if (version === undefined) {
    symlinkSync(pinnedNodeFolder, join(modules, platformPackage))
    return
  }
  const other = join(modules, platformPackage)
  mkdirSync(join(other, 'bin'), { recursive: true })
  writeFileSync(join(other, 'package.json'), `{\n  "version": "${version}"\n}\n`)
  writeFileSync(join(other, 'bin/node'), '#!/bin/sh\necho wrong\n', { mode: 0o755 })
}

function launch(
  path: string,
  options: {
    readonly args?: readonly string[]
    readonly cwd?: string
    readonly env?: NodeJS.ProcessEnv
  } = {},
) {
  return spawnSync(path, options.args ?? [], {
    encoding: 'utf8',
    cwd: options.cwd ?? scratch,
    env: { PATH: process.env['PATH'], ...options.env },
  })
}

function reportOf(result: ReturnType<typeof launch>): Report {
  assert.equal(result.stderr, '')
  assert.equal(result.status, 0)
  return JSON.parse(result.stdout)
}

describe('the launcher', () => {
  test('runs the sources of a checkout, the compiled program of an installed package', () => {
    for (const main of ['src/main.ts', 'dist/main.js'] as const) {
      const root = aPackage(`layout-${dirname(main)}`, main)
      bringNode(root)
      assert.equal(reportOf(launch(join(root, 'bin/strongroom'))).main, join(root, main))
    }
  })

  test('hands over to the pinned Node.js with its flags, a larger pool and every argument as it is', () => {
    const root = aPackage('hand-over', 'src/main.ts')
    bringNode(root)
    const args = ['start', '--data', 'my data', '', '*', '$HOME', "it's"]
    const result = launch(join(root, 'bin/strongroom'), { args })
    const report = reportOf(result)
    assert.equal(report.pid, result.pid)
    assert.deepEqual(report.args, args)
    assert.equal(report.cwd, scratch)
    assert.deepEqual(report.flags, ['--disable-sigusr1', '--disable-warning=ExperimentalWarning'])
    assert.ok(Number(report.pool) > 4)
    assert.partialDeepStrictEqual(MANIFEST, {
      optionalDependencies: { [platformPackage]: report.node.slice(1) },
    })
  })

  test('leaves a pool size that was chosen', () => {
    const root = aPackage('pool', 'src/main.ts')
    bringNode(root)
    const result = launch(join(root, 'bin/strongroom'), { env: { UV_THREADPOOL_SIZE: '3' } })
    assert.equal(reportOf(result).pool, '3')
  })

  test('finds itself through absolute and relative links, links to links, and by PATH', () => {
    const root = aPackage('linked to', 'src/main.ts')
    bringNode(root)
    const links = join(scratch, 'links')
    mkdirSync(join(links, 'more'), { recursive: true })
    symlinkSync(join(root, 'bin/strongroom'), join(links, 'absolute'))
    symlinkSync('../linked to/bin/strongroom', join(links, 'relative'))
    symlinkSync('../relative', join(links, 'more/chained'))
    for (const path of ['absolute', 'relative', 'more/chained']) {
      assert.equal(
        reportOf(launch(join(links, path), { cwd: '/' })).main,
        join(root, 'src/main.ts'),
      )
    }
    const viaPath = launch('absolute', { env: { PATH: `${links}:${process.env['PATH']}` } })
    assert.equal(reportOf(viaPath).main, join(root, 'src/main.ts'))
    const viaShell = launch('sh', { args: ['./relative'], cwd: links })
    assert.equal(reportOf(viaShell).main, join(root, 'src/main.ts'))
  })

  test('CDPATH does not lead it astray', () => {
    const root = aPackage('cdpath', 'src/main.ts')
    bringNode(root)
    const result = launch('bin/strongroom', { cwd: root, env: { CDPATH: scratch } })
    assert.equal(reportOf(result).main, join(root, 'src/main.ts'))
  })

  test('finds a Node.js that npm has put beside the package or further up', () => {
    const nested = aPackage('app/node_modules/strongroom', 'dist/main.js')
    bringNode(join(scratch, 'app'))
    assert.equal(
      reportOf(launch(join(nested, 'bin/strongroom'))).main,
      join(nested, 'dist/main.js'),
    )
  })

  test('passes over another version of the package on its way up', () => {
    const nested = aPackage('mixed/inner', 'src/main.ts')
    bringNode(nested, '22.1.0')
    bringNode(join(scratch, 'mixed'))
    assert.match(reportOf(launch(join(nested, 'bin/strongroom'))).node, /^v26\./)
  })

  test('without the pinned Node.js it says so in one line and starts no other one', () => {
    const bare = aPackage('bare', 'src/main.ts')
    const old = aPackage('old', 'src/main.ts')
    bringNode(old, '26.9.9')
    for (const root of [bare, old]) {
      const result = launch(join(root, 'bin/strongroom'), { args: ['start'] })
      assert.equal(result.status, 1)
      assert.equal(result.stdout, '')
      assert.match(
        result.stderr,
        /^strongroom: its own Node\.js 26\.\S+ .* is not installed: run `npm ci`.*\n$/,
      )
    }
  })

  test('an incomplete package is refused in one line', () => {
    const root = aPackage('incomplete', 'dist/main.js')
    bringNode(root)
    rmSync(join(root, 'dist'), { recursive: true })
    const result = launch(join(root, 'bin/strongroom'))
    assert.equal(result.status, 1)
    assert.match(result.stderr, /^strongroom: the program is missing: .*\n$/)
  })

  test('a signal to the launcher is a signal to the program', async () => {
    const root = aPackage('signal', 'src/main.ts')
    bringNode(root)
    const program = `process.on('SIGTERM', () => process.exit(7))\nsetInterval(() => {}, 1000)\nconsole.log('up')\n`
    writeFileSync(join(root, 'src/main.ts'), program)
    const child = spawn(join(root, 'bin/strongroom'), { stdio: ['ignore', 'pipe', 'inherit'] })
    await once(child.stdout, 'data')
    child.kill('SIGTERM')
    assert.deepEqual(await once(child, 'exit'), [7, null])
  })

  test('nothing in it needs more than a POSIX shell', { skip: noDash() }, () => {
    const root = aPackage('dash', 'src/main.ts')
    bringNode(root)
    const result = launch('dash', { args: [join(root, 'bin/strongroom'), 'version'] })
    assert.deepEqual(reportOf(result).args, ['version'])
  })
})

function noDash(): string | false {
  return spawnSync('dash', ['-c', ':']).status === 0 ? false : 'dash is not installed here'
}

test('the program itself answers through the launcher, from any folder', () => {
  const result = launch(LAUNCHER, { args: ['version'], cwd: scratch })
  assert.equal(result.stderr, '')
  assert.partialDeepStrictEqual(MANIFEST, { version: result.stdout.trim() })
})

test('a reader that leaves ends the program without a stack trace', () => {
  const result = launch('sh', { args: ['-c', `"${LAUNCHER}" --help | true`] })
  assert.deepEqual([result.status, result.stderr], [0, ''])
})
