import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { AnchorOptions } from '../../cli/program.ts'
import { OperatorError } from '../../core/errors.ts'
import { chooseAnchors } from './anchors-choice.ts'

const KEYS = { AWS_ACCESS_KEY_ID: 'AKIA', AWS_SECRET_ACCESS_KEY: 'hunter2' }
const KEY_ARN = 'arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab'

describe('places that the log is anchored at', () => {
  const choose = (
    to: readonly string[],
    more: Partial<AnchorOptions> = {},
    env: Readonly<Record<string, string>> = KEYS,
  ) => {
    const options = {
      to,
      everyMinutes: 15,
      signingAlgorithm: 'ECDSA_SHA_256',
      allowPlainHttp: false,
      ...more,
    }
    return chooseAnchors(options, { dataFolder: '/data', env })
  }

  test('are none where none is named', () => {
    assert.deepEqual(chooseAnchors(undefined, { dataFolder: '/data', env: {} }).targets, [])
  })

  test('are called by where they are, without what may be secret', () => {
    const { targets, everyMs } = choose(
      ['file:/mnt/a', 'webhook:https://a.example.com/x?token=hunter2', 'strongroom:https://b:7600'],
      { keyArn: KEY_ARN },
    )
    assert.deepEqual(
      targets.map(({ name }) => name),
      ['file:/mnt/a', 'webhook:https://a.example.com/x', 'strongroom:b:7600'],
    )
    assert.equal(everyMs, 900_000)
  })

  test('are refused where something is wrong with them', () => {
    const cases: readonly [RegExp, ...Parameters<typeof choose>][] = [
      [/takes file:PATH/, ['mail:x']],
      [/the same place twice/, ['file:/a', 'file:/a/']],
      [/plain HTTP.*--anchor-allow-plain-http/, ['webhook:http://10.0.0.1/']],
      [/needs a key there/, ['strongroom:https://b']],
      [/needs a key there/, ['strongroom:https://b'], { keyArn: 'alias/x' }],
      [/needs a key there/, ['strongroom:https://b'], { keyArn: KEY_ARN.replace('eu', 'xx') }],
      [/no credentials/, ['strongroom:https://b'], { keyArn: KEY_ARN }, {}],
    ]
    for (const [pattern, ...args] of cases) {
      assert.throws(
        () => choose(...args),
        (error) => {
          assert.ok(error instanceof OperatorError)
          assert.match(`${error.message}; ${error.hint ?? ''}`, pattern)
          return true
        },
      )
    }
  })
})
