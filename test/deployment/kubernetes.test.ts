import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'
import { startServer } from '../support/server-process.ts'
import { pairsOf, parseContainerfile } from './containerfile.ts'
import {
  checkKustomization,
  listAt,
  type Node,
  nodeAt,
  parseManifests,
  readManifests,
  textAt,
  valueAt,
} from './manifests.ts'
import { checkCommand, checkPod, probesOf } from './pod-rules.ts'

const DEPLOY = fileURLToPath(new URL('../../deploy', import.meta.url))
const ROOT = join(DEPLOY, 'kubernetes')
const manifests = readManifests(ROOT)
const ofKind = (kind: string): readonly Node[] =>
  manifests.map(({ body }) => body).filter((body) => body['kind'] === kind)
const bodyOf = (file: string): Node => {
  const found = manifests.find((manifest) => manifest.file === file)
  assert.ok(found, file)
  return found.body
}

const nodes = bodyOf('base/stateful-set.yaml')
const pod = nodeAt(nodes, 'spec.template.spec')
const [container = {}] = listAt(pod, 'containers')
const labels = nodeAt(nodes, 'spec.template.metadata.labels')
const selects = (selector: Node): boolean =>
  Object.keys(selector).length > 0 &&
  Object.entries(selector).every(([name, value]) => labels[name] === value)

/** A pod with the volume that its set claims for it. */
const withClaims = (spec: Node): Node => ({
  ...spec,
  volumes: [...listAt(spec, 'volumes'), { name: 'data' }],
})

describe('the manifests', () => {
  test('are YAML with a kind and a name each', () => {
    assert.ok(manifests.length > 15)
    for (const { file, body } of manifests) {
      if (body['operations'] !== undefined) continue
      assert.match(textAt(body, 'apiVersion'), /^(?:[\w.]+\/)?v\d\w*$/, file)
      assert.notEqual(textAt(body, 'kind'), '', file)
      if (!/Kustomization|Component/.test(textAt(body, 'kind'))) {
        assert.match(textAt(body, 'metadata.name'), /^strongroom/, file)
      }
    }
    assert.throws(
      () => parseManifests('twice.yaml', 'kind: A\nkind: B\n'),
      /twice\.yaml: .*unique/i,
    )
  })

  test('are all named by a kustomization, which names nothing else', () => {
    const kustomizations = manifests.filter(({ file }) => file.endsWith('kustomization.yaml'))
    assert.equal(kustomizations.length, 5)
    assert.deepEqual(
      kustomizations.flatMap((one) => checkKustomization(ROOT, one)),
      [],
    )
    const texts = kustomizations.map(({ body }) => JSON.stringify(body)).join()
    for (const { file } of manifests) {
      assert.ok(
        texts.includes(`"${file.split('/').at(-1)}"`) || file.endsWith('kustomization.yaml'),
        file,
      )
    }
    const [broken] = parseManifests('base/kustomization.yaml', 'resources: [gone.yaml]')
    assert.ok(broken)
    assert.deepEqual(checkKustomization(ROOT, broken), [
      'base/kustomization.yaml: there is no gone.yaml',
    ])
  })

  test('run the image of this version as the user of the image', () => {
    const { version } = JSON.parse(readFileSync(join(DEPLOY, '../package.json'), 'utf8'))
    const images = ofKind('Kustomization').flatMap((body) => listAt(body, 'images'))
    assert.equal(images.length, 2)
    for (const image of images) assert.equal(textAt(image, 'newTag'), version)
    const file = parseContainerfile(readFileSync(join(DEPLOY, 'container/Containerfile'), 'utf8'))
    const runtime = file.stages.at(-1)
    assert.ok(runtime)
    const user = runtime.instructions.find(({ name }) => name === 'USER')?.rest
    const environment = pairsOf(runtime, 'ENV')
    for (const spec of [pod, nodeAt(bodyOf('maintenance/pod.yaml'), 'spec')]) {
      const context = nodeAt(spec, 'securityContext')
      assert.equal(`${textAt(context, 'runAsUser')}:${textAt(context, 'runAsGroup')}`, user)
      assert.equal(context['fsGroup'], context['runAsGroup'])
      const [main = {}] = listAt(spec, 'containers')
      const data = listAt(main, 'env').find((variable) => variable['name'] === 'STRONGROOM_DATA')
      assert.equal(data?.['value'], environment.get('STRONGROOM_DATA'))
    }
  })
})

describe('the pods', () => {
  test('keep the rules, with flags that there are', () => {
    assert.deepEqual(checkPod(withClaims(pod)), [])
    assert.deepEqual(checkPod(nodeAt(bodyOf('maintenance/pod.yaml'), 'spec')), [])
    for (const overlay of ['postgres', 'monitoring']) {
      const patch = nodeAt(bodyOf(`${overlay}/stateful-set.yaml`), 'spec.template.spec')
      const [changed = {}] = listAt(patch, 'containers')
      assert.equal(changed['name'], container['name'])
      assert.ok(listAt(changed, 'env').length > 0)
      assert.deepEqual(checkCommand(changed), [])
    }
  })

  const breaks: readonly (readonly [string, string, string, RegExp])[] = [
    ['root', 'runAsUser: 10001', 'runAsUser: 0', /runs as root/],
    [
      'service links',
      'enableServiceLinks: false',
      'enableServiceLinks: true',
      /enableServiceLinks/,
    ],
    [
      'a writable root',
      'readOnlyRootFilesystem: true',
      'readOnlyRootFilesystem: false',
      /can be written/,
    ],
    ['capabilities', 'drop: [ALL]', 'drop: [NET_RAW]', /keeps capabilities/],
    ['no seccomp', 'type: RuntimeDefault', 'type: Unconfined', /seccomp/],
    [
      'a token',
      'automountServiceAccountToken: false',
      'automountServiceAccountToken: true',
      /Token/,
    ],
    ['a flag of another program', '- --tls\n', '- --tls\n            - --colour\n', /no --colour/],
    [
      'a variable of no flag',
      'name: STRONGROOM_DATA',
      'name: STRONGROOM_FOLDER',
      /STRONGROOM_FOLDER/,
    ],
    [
      'a volume that is not there',
      'name: keyfile\n              mountPath',
      'name: key\n              mountPath',
      /no volume key/,
    ],
    ['no memory limit', 'limits:\n              memory: 1Gi', 'limits: {}', /limits\.memory/],
  ]
  const text = readFileSync(join(ROOT, 'base/stateful-set.yaml'), 'utf8')
  for (const [what, from, to, problem] of breaks) {
    test(`would not pass with ${what}`, () => {
      const broken = text.replace(from, to)
      assert.notEqual(broken, text)
      const [manifest] = parseManifests('broken.yaml', broken)
      assert.ok(manifest)
      const spec = nodeAt(manifest.body, 'spec.template.spec')
      assert.match(checkPod(withClaims(spec)).join('\n'), problem)
    })
  }
})

describe('the set of nodes', () => {
  test('is what services, budget, spreading and network policy select', () => {
    for (const service of ofKind('Service')) {
      assert.ok(selects(nodeAt(service, 'spec.selector')))
      const [port = {}] = listAt(service, 'spec.ports')
      const [open = {}] = listAt(container, 'ports')
      assert.equal(port['targetPort'], open['name'])
      assert.equal(port['port'], open['containerPort'])
    }
    assert.ok(selects(nodeAt(nodes, 'spec.selector.matchLabels')))
    assert.ok(selects(nodeAt(bodyOf('base/disruption-budget.yaml'), 'spec.selector.matchLabels')))
    assert.ok(selects(nodeAt(bodyOf('base/network-policy.yaml'), 'spec.podSelector.matchLabels')))
    const spread = listAt(pod, 'topologySpreadConstraints')
    assert.equal(spread.length, 2)
    for (const one of spread) assert.ok(selects(nodeAt(one, 'labelSelector.matchLabels')))
    assert.ok(
      ofKind('Service').some(
        (service) => textAt(service, 'metadata.name') === textAt(nodes, 'spec.serviceName'),
      ),
    )
  })

  test('keeps key file and data apart, and the claim that maintenance uses', () => {
    const [claim = {}] = listAt(nodes, 'spec.volumeClaimTemplates')
    const volume = listAt(bodyOf('maintenance/pod.yaml'), 'spec.volumes')[0] ?? {}
    assert.equal(
      textAt(volume, 'persistentVolumeClaim.claimName'),
      `${textAt(claim, 'metadata.name')}-${textAt(nodes, 'metadata.name')}-0`,
    )
    const mounts = listAt(container, 'volumeMounts').map((mount) => textAt(mount, 'mountPath'))
    const valueOf = (name: string): string =>
      textAt(listAt(container, 'env').find((one) => one['name'] === name) ?? {}, 'value')
    assert.ok(mounts.includes(valueOf('STRONGROOM_DATA')))
    assert.ok(mounts.includes(valueOf('STRONGROOM_KEYFILE').replace('/root.key', '')))
  })

  test('give maintenance what the URL of the store names as well', () => {
    const placesOf = (spec: Node): readonly Node[] =>
      listAt(listAt(spec, 'containers')[0] ?? {}, 'volumeMounts')
    const overlay = nodeAt(bodyOf('postgres/stateful-set.yaml'), 'spec.template.spec')
    const maintenance = nodeAt(bodyOf('maintenance/pod.yaml'), 'spec')
    assert.ok(placesOf(overlay).length > 0)
    for (const place of placesOf(overlay)) {
      assert.deepEqual(
        placesOf(maintenance).find((one) => one['name'] === place['name']),
        place,
      )
      const volumes = [overlay, maintenance].map((spec) =>
        listAt(spec, 'volumes').find((one) => one['name'] === place['name']),
      )
      assert.deepEqual(volumes[0], volumes[1])
    }
  })

  test('is one node on the embedded store, several only in PostgreSQL', () => {
    assert.equal(valueAt(nodes, 'spec.replicas'), 1)
    assert.deepEqual(Object.keys(bodyOf('embedded/kustomization.yaml')).includes('patches'), false)
    const patch = bodyOf('postgres/stateful-set.yaml')
    assert.ok(Number(valueAt(patch, 'spec.replicas')) > 1)
    const [changed = {}] = listAt(patch, 'spec.template.spec.containers')
    assert.ok(listAt(changed, 'env').some((one) => one['name'] === 'STRONGROOM_STORE'))
  })

  test('is probed, over HTTPS, where a node answers', async () => {
    await using node = await startServer({ flags: ['--metrics-from', '10.0.0.0/8'] })
    const probes = probesOf(container)
    assert.equal(valueAt(probes.get('livenessProbe') ?? {}, 'path'), '/-/health')
    assert.equal(valueAt(probes.get('startupProbe') ?? {}, 'path'), '/-/health')
    assert.equal(valueAt(probes.get('readinessProbe') ?? {}, 'path'), '/-/ready')
    const [endpoint = {}] = listAt(bodyOf('monitoring/service-monitor.yaml'), 'spec.endpoints')
    for (const { path, scheme, port } of [...probes.values(), endpoint]) {
      assert.equal((await fetch(node.endpoint + String(path))).status, 200, String(path))
      assert.equal(String(scheme).toUpperCase(), 'HTTPS')
      assert.equal(port, 'api')
    }
  })
})

describe('the manifests for monitoring', () => {
  test('have the rules of deploy/prometheus', () => {
    const rules: unknown = parse(readFileSync(join(DEPLOY, 'prometheus/alerts.yml'), 'utf8'))
    assert.deepEqual(valueAt(bodyOf('monitoring/prometheus-rule.yaml'), 'spec'), rules)
  })

  test('scrape a service that there is, with the name of a certificate', () => {
    const monitor = bodyOf('monitoring/service-monitor.yaml')
    const headless = ofKind('Service').find(
      (service) => valueAt(service, 'spec.clusterIP') === 'None',
    )
    const wanted = nodeAt(monitor, 'spec.selector.matchLabels')
    // The other label is put on everything by base/kustomization.yaml.
    assert.equal(
      nodeAt(headless ?? {}, 'metadata.labels')['app.kubernetes.io/component'],
      wanted['app.kubernetes.io/component'],
    )
    const [endpoint = {}] = listAt(monitor, 'spec.endpoints')
    const args = valueAt(container, 'args')
    assert.ok(Array.isArray(args) && args.includes(textAt(endpoint, 'tlsConfig.serverName')))
  })
})
