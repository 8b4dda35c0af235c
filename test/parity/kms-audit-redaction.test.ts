import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Shape, StructureShape } from '../../src/core/model.ts'
import { KMS_MODEL } from '../../src/services/kms/model.ts'
import { type MemoryNode, startMemoryNode } from '../support/memory-node.ts'
import { allStructures } from '../support/sdk-schemas.ts'
import { formsOf } from '../support/secret-forms.ts'
import { createKey, WireClient } from '../support/wire-client.ts'

const ACCOUNT = '111122223333'

/** Texts that the model does not mark, and that are as good as a secret. Source: AWS KMS Developer Guide, Grant tokens. */
const SECRET_TEXTS = new Set(['GrantToken', 'GrantTokens'])

/** What stands in for texts that are no secret, where the first of an enumeration will not do. */
const SAMPLES: Readonly<Record<string, string>> = {
  AliasName: 'alias/marked',
  CustomKeyStoreName: 'marked',
  GranteePrincipal: `arn:aws:iam::${ACCOUNT}:root`,
  RetiringPrincipal: `arn:aws:iam::${ACCOUNT}:root`,
  NewCustomKeyStoreName: 'marked',
  Policy: '{"Statement":{"Effect":"Allow","Principal":"*","Action":"kms:*","Resource":"*"}}',
  PolicyName: 'default',
  PrimaryRegion: 'us-west-2',
  ReplicaRegion: 'us-west-2',
  WrappingKeySpec: 'RSA_2048',
}

/** Every secret that was sent. */
class Markers {
  readonly all: string[] = []

  next(member: string): string {
    // Of a length that a cluster's password may have, too.
    const marker = `CANARY${String(this.all.length).padStart(4, '0')}${member.slice(0, 20)}`
    this.all.push(marker)
    return marker
  }
}

/** A value of a shape, with a marker wherever something secret belongs. */
function valueOf(name: string, shape: Shape, world: { keyId: string; markers: Markers }): unknown {
  switch (shape.type) {
    case 'blob':
      return Buffer.from(world.markers.next(name)).toString('base64')
    case 'string':
      if (shape.sensitive === true || SECRET_TEXTS.has(name)) return world.markers.next(name)
      if (name.endsWith('KeyId')) return world.keyId
      return SAMPLES[name] ?? shape.enum?.[0] ?? 'x'
    case 'integer':
      return shape.min ?? 1
    case 'double':
      return 0.5
    case 'boolean':
      return false
    case 'timestamp':
      return 1_800_000_000
    case 'list':
      return [valueOf(name, shape.member, world)]
    case 'map':
      return { app: 'shop' }
    case 'structure':
      return Object.fromEntries(
        [...shape.members].map(([member, inner]) => [member, valueOf(member, inner, world)]),
      )
    default:
      throw new TypeError('no such shape')
  }
}

const spelled = (member: string): string => member.charAt(0).toLowerCase() + member.slice(1)

/** Members of inputs and outputs that no record may have, as records would spell them. */
const forbiddenMembers = (): ReadonlySet<string> =>
  new Set(
    [...allStructures(KMS_MODEL).values()].flatMap(({ members }) =>
      [...members].flatMap(([name, shape]) => {
        const isSecret = shape.type === 'blob' || ('sensitive' in shape && shape.sensitive)
        return isSecret || SECRET_TEXTS.has(name) ? [spelled(name)] : []
      }),
    ),
  )

function* membersIn(value: unknown): Iterable<string> {
  if (typeof value !== 'object' || value === null) return
  for (const [name, inner] of Object.entries(value)) {
    yield name
    yield* membersIn(inner)
  }
}

const forbidden = forbiddenMembers()

describe('whatever stands in the secret members of a request', () => {
  let node: MemoryNode
  let kms: WireClient
  const markers = new Markers()
  let requests = 0

  before(async () => {
    node = await startMemoryNode()
    kms = new WireClient(node.endpoint, ACCOUNT)
  })

  after(async () => {
    kms.close()
    await node.close()
  })

  /** With all members, with those that are required, and with each optional one beside them. */
  const variants = ({ members, required }: StructureShape): readonly (readonly string[])[] => {
    const names = [...members.keys()]
    const optional = names.filter((name) => !required.includes(name))
    return [names, required, ...optional.map((name) => [...required, name])]
  }

  for (const { name, input } of KMS_MODEL.operations.values()) {
    test(`${name} leaves nothing of it in a frame`, async () => {
      const { id } = await createKey(kms)
      const world = { keyId: id, markers }
      for (const wanted of variants(input)) {
        const body = Object.fromEntries(
          [...input.members]
            .filter(([member]) => wanted.includes(member))
            .map(([member, shape]) => [member, valueOf(member, shape, world)]),
        )
        const { requestId } = await kms.kms(name, body)
        requests++
        const record = node.sink.record(requestId)
        for (const part of ['requestParameters', 'responseElements', 'additionalEventData']) {
          for (const member of membersIn(record[part])) {
            // A key store's credential is shown as `[secret]`, by the name of the member around it.
            assert.ok(
              !forbidden.has(member) || isMasked(record[part], member),
              `${name}: ${member}`,
            )
          }
        }
      }
    })
  }

  test('is found in no form in any frame, nor in the operator’s log', () => {
    assert.ok(requests > 200 && markers.all.length > 100, `${requests} ${markers.all.length}`)
    const texts = [...node.sink.texts, ...node.log.lines].join('\n')
    for (const marker of markers.all) {
      for (const form of formsOf(Buffer.from(marker))) {
        assert.ok(!texts.includes(form), `${marker} as ${form}`)
      }
    }
  })
})

const isMasked = (part: unknown, member: string): boolean =>
  JSON.stringify(part).includes(`"${member}":"[secret]"`)
