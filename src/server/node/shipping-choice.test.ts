import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import type { ShippingOptions } from '../../cli/program.ts'
import { OperatorError } from '../../core/errors.ts'
import { chooseDestinations } from './shipping-choice.ts'

const KEYS = { AWS_ACCESS_KEY_ID: 'AKIA', AWS_SECRET_ACCESS_KEY: 'hunter2' }

describe('places that the trail is shipped to', () => {
  const folder = mkdtempSync(join(tmpdir(), 'shipping-'))
  const trailFolder = join(folder, 'trail')
  after(() => rmSync(folder, { recursive: true }))

  const names = (
    to: readonly string[],
    more: Partial<ShippingOptions> = {},
    env: Readonly<Record<string, string>> = KEYS,
  ): readonly string[] => {
    const options = { to, allowPlainHttp: false, ...more }
    return chooseDestinations(options, { trailFolder, env }).map(({ name }) => name)
  }
  const refused = (pattern: RegExp) => (error: unknown) => {
    assert.ok(error instanceof OperatorError)
    assert.match(`${error.message}; ${error.hint ?? ''}`, pattern)
    assert.doesNotMatch(`${error.message}; ${error.hint ?? ''}`, /hunter2/)
    return true
  }

  test('are none where none is named', () => {
    assert.deepEqual(chooseDestinations(undefined, { trailFolder, env: {} }), [])
  })

  test('are called by where they are', () => {
    assert.deepEqual(names(['dir:/mnt/copies', 's3://audit/a/b/', 's3://*']), [
      'dir:/mnt/copies',
      's3:s3.us-east-1.amazonaws.com/audit/a/b',
      's3:s3.us-east-1.amazonaws.com/*',
    ])
    const s3Endpoint = 'http://127.0.0.1:9000/base'
    assert.deepEqual(names(['s3://audit'], { s3Endpoint }), ['s3:127.0.0.1:9000/base/audit'])
    assert.deepEqual(names(['s3://audit'], { s3Region: 'eu-central-1' }), [
      's3:s3.eu-central-1.amazonaws.com/audit',
    ])
  })

  test('are refused where something is wrong with them', () => {
    const isRefused = (pattern: RegExp, ...args: Parameters<typeof names>): void =>
      assert.throws(() => names(...args), refused(pattern))
    isRefused(/the trail's own folder/, [`dir:${trailFolder}`])
    isRefused(/the trail's own folder/, [`dir:${trailFolder}/inside`])
    isRefused(/names no folder/, ['dir:'])
    isRefused(/the same place twice/, ['dir:/a', 'dir:/a/'])
    isRefused(/takes dir:PATH/, ['s3://UPPER'])
    isRefused(/takes dir:PATH/, ['s3://*/prefix'])
    isRefused(/takes dir:PATH/, ['s3://bucket/a b'])
    isRefused(/no credentials/, ['s3://bucket'], {}, {})
    isRefused(/none of AWS/, ['s3://bucket'], { s3Region: 'nowhere' })
    isRefused(/plain HTTP.*--ship-allow-plain-http/, ['s3://bucket'], {
      s3Endpoint: 'http://10.0.0.1:9000',
    })
    const [plain] = names(['s3://bucket'], {
      s3Endpoint: 'http://10.0.0.1:9000',
      allowPlainHttp: true,
    })
    assert.equal(plain, 's3:10.0.0.1:9000/bucket')
  })

  test('have credentials from the profile default of a file', () => {
    const file = join(folder, 'credentials')
    const key = 'aws_access_key_id = AKIA\naws_secret_access_key = hunter2\n'
    writeFileSync(file, `[default]\n${key}`)
    assert.equal(names(['s3://bucket'], { credentialsFile: file }, {}).length, 1)
    writeFileSync(file, `[default]\nregion = x\n[other]\n${key}`)
    const missing = join(folder, 'missing')
    for (const credentialsFile of [file, missing]) {
      assert.throws(
        () => names(['s3://bucket'], { credentialsFile }, {}),
        (error) => error instanceof OperatorError && !error.message.includes('hunter2'),
      )
    }
  })
})
