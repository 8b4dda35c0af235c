import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { wireRequest } from '../../test/support/wire-request.ts'
import { ServiceError } from '../core/errors.ts'
import type { OperationModel, RestFacts } from '../core/model.ts'
import { RestRoutes } from './rest-routes.ts'

const operation = (
  name: string,
  method: RestFacts['method'],
  path: string,
  query?: string,
): OperationModel => ({
  name,
  input: { type: 'structure', name: `${name}Input`, required: [], members: new Map() },
  output: undefined,
  errors: [],
  rest: {
    method,
    path,
    ...(query !== undefined && { query }),
    input: new Map(),
    output: new Map(),
  },
})

const routes = new RestRoutes(
  [
    operation('Top', 'GET', '/'),
    operation('List', 'GET', '/{Place}'),
    operation('ListNew', 'GET', '/{Place}', 'list-type=2'),
    operation('Where', 'GET', '/{Place}', 'where'),
    operation('Get', 'GET', '/{Place}/{Name+}'),
    operation('Look', 'HEAD', '/{Place}/{Name+}'),
  ],
  {
    pathPrefixOf: ({ headers }) => (headers['host'] === 'yard' ? '/yard' : ''),
    refusalOf: ({ headers }) =>
      headers['host'] === 'nowhere' ? new ServiceError('InvalidRequest') : undefined,
    unserved: new Set(['color']),
  },
)

const find = (target: string, method = 'GET', host = 'top') => {
  const found = routes.find(wireRequest({ method, target, headers: ['Host', host] }))
  return [found.operation, ...found.input.path.values()]
}

const refuses = (code: string, target: string, method?: string): void =>
  assert.throws(
    () => find(target, method),
    (error) => error instanceof ServiceError && error.code === code,
    target,
  )

describe('the operation of a REST request', () => {
  test('is told by method and path', () => {
    assert.deepEqual(find('/'), ['Top'])
    assert.deepEqual(find('/yard'), ['List', 'yard'])
    assert.deepEqual(find('/yard/'), ['List', 'yard'])
    assert.deepEqual(find('/yard/a'), ['Get', 'yard', 'a'])
    assert.deepEqual(find('/yard/a', 'HEAD'), ['Look', 'yard', 'a'])
  })

  test('has the rest of the path in a greedy label, slashes and line ends included', () => {
    assert.deepEqual(find('/yard/a/b/c/'), ['Get', 'yard', 'a/b/c/'])
    assert.deepEqual(find('/yard//a'), ['Get', 'yard', '/a'])
    assert.deepEqual(find('/yard/a%2Fb%20%C3%A4%0A+'), ['Get', 'yard', 'a/b ä\n+'])
  })

  test('is told by one parameter before it is told without', () => {
    assert.deepEqual(find('/yard?where'), ['Where', 'yard'])
    assert.deepEqual(find('/yard?where='), ['Where', 'yard'])
    assert.deepEqual(find('/yard?list-type=2&prefix=where'), ['ListNew', 'yard'])
    assert.deepEqual(find('/yard?list-type=1'), ['List', 'yard'])
  })

  test('may have the beginning of its path in the host', () => {
    assert.deepEqual(find('/', 'GET', 'yard'), ['List', 'yard'])
    assert.deepEqual(find('/a/b', 'GET', 'yard'), ['Get', 'yard', 'a/b'])
  })

  test('is none where it is not served', () => {
    refuses('MethodNotAllowed', '/yard/a', 'PUT')
    refuses('MethodNotAllowed', '/yard', 'DELETE')
    refuses('NotImplemented', '/yard', 'HEAD')
    refuses('NotImplemented', '/yard?color')
    refuses('NotImplemented', '/yard/a?color=red')
  })

  test('is none where the service does not look at the request', () => {
    assert.throws(() => find('/yard/%E4', 'PUT', 'nowhere'), { code: 'InvalidRequest' })
  })

  test('is none where the target is malformed', () => {
    refuses('SerializationException', '/yard/%E4')
    refuses('SerializationException', '/yard/%')
    refuses('SerializationException', '/yard/\xe4')
    refuses('SerializationException', '/yard?a=%')
    refuses('SerializationException', '/yard?a=1&a=2')
  })
})
