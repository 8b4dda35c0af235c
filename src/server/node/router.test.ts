import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { wireRequest } from '../../../test/support/wire-request.ts'
import type { Codec } from '../../pipeline/codec.ts'
import type { Service } from '../../pipeline/service.ts'
import { createRouter } from './router.ts'

/** A service that is only told from the other one. */
const service = (name: string): Service => ({
  name,
  eventSource: `${name}.amazonaws.com`,
  // The router looks at names alone.
  codec: {} as Codec,
  operations: new Map(),
  internalError: 'InternalFailure',
  openScope: (scope) => scope,
})

const route = createRouter([
  { service: service('kms'), targetPrefix: 'TrentService' },
  {
    service: service('sts'),
    targetPrefix: 'StsPrefix',
    query: { version: '2011', xmlNamespace: '' },
  },
  {
    service: service('iam'),
    targetPrefix: 'IamPrefix',
    query: { version: '2010', xmlNamespace: '' },
  },
  { service: service('trail'), targetPrefix: 'com.example.v1.Trail' },
  { service: service('files'), claims: ({ target }) => target.startsWith('/files') },
])

const signedFor = (name: string): readonly string[] => [
  'Authorization',
  `AWS4-HMAC-SHA256 Credential=AKID/20260101/eu-central-1/${name}/aws4_request, SignedHeaders=host, Signature=0`,
]
const FORM = ['Content-Type', 'application/x-www-form-urlencoded; charset=utf-8']

describe('the service of a request', () => {
  for (const [what, expected, parts] of [
    ['its credential scope', 'sts', { headers: signedFor('sts') }],
    [
      'its credential scope, before its target',
      'sts',
      { headers: [...signedFor('sts'), 'X-Amz-Target', 'TrentService.Encrypt'] },
    ],
    [
      'its target, where it is signed for nothing we have',
      'sts',
      { headers: [...signedFor('s3'), 'X-Amz-Target', 'StsPrefix.GetCallerIdentity'] },
    ],
    ['its target, where it is not signed', 'kms', { headers: ['X-Amz-Target', 'TrentService.X'] }],
    ['its target with dots', 'trail', { headers: ['X-Amz-Target', 'com.example.v1.Trail.Get'] }],
    ['its path, where it is not signed', 'files', { method: 'GET', target: '/files/a' }],
    [
      'its credential scope, before its path',
      'sts',
      { method: 'GET', target: '/files/a', headers: signedFor('sts') },
    ],
    ['the first service for a target without a prefix', 'kms', { headers: ['X-Amz-Target', 'X'] }],
    ['the first service for a strange target', 'kms', { headers: ['X-Amz-Target', 'Other.X'] }],
    [
      'the first service for the name of something that every object has',
      'kms',
      { headers: [...signedFor('constructor'), 'X-Amz-Target', '__proto__.X'] },
    ],
    ['Query by its content type', 'sts', { headers: FORM }],
    ['Query by its action', 'sts', { method: 'GET', target: '/?Action=GetCallerIdentity' }],
    ['the version of Query', 'iam', { method: 'GET', target: '/?Action=X&Version=2010' }],
    [
      'the version of Query in a form',
      'iam',
      { method: 'POST', headers: FORM, body: 'Action=X&Version=2010' },
    ],
    ['Query by a later action', 'sts', { method: 'GET', target: '/?Version=1&Action=X' }],
    [
      'its presigned scope',
      'kms',
      {
        method: 'GET',
        target:
          '/?Action=X&X-Amz-Credential=AKID%2F20260101%2Feu-central-1%2Fkms%2Faws4_request&X-Amz-Algorithm=AWS4-HMAC-SHA256',
      },
    ],
    ['the first service where nothing tells', 'kms', {}],
  ] as const) {
    test(`is told by ${what}`, () => {
      assert.equal(route(wireRequest(parts)).name, expected)
    })
  }
})
