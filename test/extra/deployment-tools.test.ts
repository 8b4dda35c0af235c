import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { after, describe } from 'node:test'
import { fileURLToPath } from 'node:url'
import { parseAllDocuments } from 'yaml'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
const scratch = mkdtempSync(join(tmpdir(), 'strongroom-deployment-'))
after(() => rmSync(scratch, { recursive: true, force: true }))

/** Above this, `systemd-analyze security` finds a service too much exposed; it calls below 2 OK. */
const EXPOSURE_MAX = 20

const run = (file: string, args: readonly string[]) => {
  const { status, stdout, stderr } = spawnSync(file, args, { cwd: ROOT, encoding: 'utf8' })
  assert.equal(status, 0, `${file} ${args.join(' ')}\n${stdout}${stderr}`)
  return stdout + stderr
}
/** Why a test of a program is left out; false where the program is here. */
const without = (file: string, ...probe: readonly string[]): string | false =>
  spawnSync(file, probe).status === 0 ? false : `${file} is not on this machine`

describe('the container file', () => {
  test('has nothing that hadolint finds', { skip: without('hadolint', '--version') }, () => {
    assert.equal(run('hadolint', ['deploy/container/Containerfile']), '')
  })
})

describe('the unit file', () => {
  const skip = without('systemd-analyze', 'security', '--help')

  test('is one that systemd takes', { skip }, () => {
    const text = readFileSync(join(ROOT, 'deploy/systemd/strongroom.service'), 'utf8')
    const unit = join(scratch, 'strongroom.service')
    // The program must exist where the unit says.
    writeFileSync(unit, text.replaceAll('/opt/strongroom/', ROOT))
    assert.equal(run('systemd-analyze', ['verify', '--man=no', unit]), '')
  })

  test('exposes as little as systemd can tell', { skip }, () => {
    const unit = join(ROOT, 'deploy/systemd/strongroom.service')
    const threshold = `--threshold=${EXPOSURE_MAX}`
    const report = run('systemd-analyze', ['security', '--offline=true', threshold, unit])
    assert.match(report, /Overall exposure level for strongroom\.service: 1\.\d/)
  })

  test('is of a user that sysusers makes', {
    skip: without('systemd-sysusers', '--version'),
  }, () => {
    const made = run('systemd-sysusers', ['--dry-run', join(ROOT, 'deploy/systemd/sysusers.conf')])
    assert.match(made, /Creating user 'strongroom'|^$/)
  })
})

describe('the manifests', () => {
  const skip = without('kubectl', 'kustomize', '--help')
  for (const [overlay, replicas] of [
    ['embedded', 1],
    ['postgres', 3],
    ['maintenance', undefined],
  ] as const) {
    test(`of ${overlay} are put together by kubectl`, { skip }, () => {
      const text = run('kubectl', ['kustomize', join(ROOT, 'deploy/kubernetes', overlay)])
      const documents = parseAllDocuments(text).map((document) => document.toJS())
      const set = documents.find(({ kind }) => kind === 'StatefulSet')
      assert.equal(set?.spec.replicas, replicas)
      for (const { kind, metadata } of documents) {
        if (kind !== 'Namespace') assert.equal(metadata.namespace, 'strongroom')
      }
      const images = text.match(/^\s+(?:- )?image: (.*)$/gm)?.map((line) => line.split(': ')[1])
      assert.deepEqual(images, [`images.example.net/strongroom:${version}`])
    })
  }

  test('take monitoring in', { skip }, () => {
    const copy = join(scratch, 'kubernetes')
    cpSync(join(ROOT, 'deploy/kubernetes'), copy, { recursive: true })
    const folder = join(copy, 'postgres')
    const file = join(folder, 'kustomization.yaml')
    // As its comment says.
    writeFileSync(file, readFileSync(file, 'utf8').replace(/^# (components:\n)# /m, '$1'))
    const text = run('kubectl', ['kustomize', folder])
    assert.match(text, /name: STRONGROOM_METRICS_FROM/)
    assert.match(text, /name: STRONGROOM_STORE/)
    assert.match(text, /kind: PrometheusRule/)
    assert.match(text, /kubernetes\.io\/metadata\.name: monitoring/)
    assert.match(text, /port: 5432/)
  })
})
