import assert from 'node:assert/strict'
import test, { describe } from 'node:test'
import { wireRequest } from '../../../test/support/wire-request.ts'
import { traceContextOf } from './trace-context.ts'

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736'
const SPAN = '00f067aa0ba902b7'

const contextOf = (traceparent: string | undefined, share = 0, draw = 0.5) =>
  traceContextOf(
    wireRequest({ headers: traceparent === undefined ? [] : ['traceparent', traceparent] }),
    share,
    () => draw,
  )

describe('the trace of a request', () => {
  test('is the one that its caller has begun, if that one is sampled', () => {
    assert.deepEqual(contextOf(`00-${TRACE}-${SPAN}-01`), { traceId: TRACE, parentSpanId: SPAN })
    assert.equal(contextOf(`00-${TRACE}-${SPAN}-00`, 1), undefined)
    assert.equal(contextOf(`00-${TRACE}-${SPAN}-02`, 1), undefined)
    // A later version may have more behind it.
    assert.ok(contextOf(`cc-${TRACE}-${SPAN}-03-what-else`))
  })

  test('begins here for one in so many where the caller says nothing', () => {
    assert.equal(contextOf(undefined, 0.1, 0.5), undefined)
    assert.match(contextOf(undefined, 0.6, 0.5)?.traceId ?? '', /^[0-9a-f]{32}$/)
    assert.equal(contextOf(undefined, 0, 0), undefined)
    assert.notEqual(contextOf(undefined, 1)?.traceId, contextOf(undefined, 1)?.traceId)
  })

  test('is not taken from a header that cannot be read', () => {
    for (const header of [
      '',
      'x',
      `00-${TRACE.toUpperCase()}-${SPAN}-01`,
      `00-${'0'.repeat(32)}-${SPAN}-01`,
      `00-${TRACE}-${'0'.repeat(16)}-01`,
      `ff-${TRACE}-${SPAN}-01`,
      `00-${TRACE}-${SPAN}`,
      `00-${TRACE}-${SPAN}-01x`,
    ]) {
      assert.equal(contextOf(header), undefined, header)
      assert.notEqual(contextOf(header, 1)?.traceId, TRACE, header)
    }
  })
})
