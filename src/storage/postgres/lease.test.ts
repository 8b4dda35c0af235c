import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { GIVE_UP_MS, LEASE_MS, Lease } from './lease.ts'

function aLease() {
  const time = { elapsed: 1000, wall: 5_000_000 }
  const lease = new Lease({ elapsed: () => time.elapsed, wall: () => time.wall })
  const pass = (ms: number): void => {
    time.elapsed += ms
    time.wall += ms
  }
  return { time, lease, pass }
}

describe('a lease', () => {
  test('is not there before it is given', async () => {
    const { lease } = aLease()
    assert.equal(lease.isFresh(), false)
    assert.equal(await lease.whenFresh(1), false)
  })

  test('counts from before it was asked for', () => {
    const { lease, pass } = aLease()
    const from = lease.now()
    pass(LEASE_MS - 1)
    lease.renew(from)
    assert.equal(lease.isFresh(), true)
    pass(1)
    assert.equal(lease.isFresh(), false)
  })

  test('ends for a machine that slept, and for one whose time was set back', () => {
    const slept = aLease()
    slept.lease.renew(slept.lease.now())
    slept.time.wall += LEASE_MS
    assert.equal(slept.lease.isFresh(), false)
    const back = aLease()
    back.lease.renew(back.lease.now())
    back.time.wall -= 1_000_000
    assert.equal(back.lease.isFresh(), true)
    back.time.elapsed += LEASE_MS
    assert.equal(back.lease.isFresh(), false)
  })

  test('wakes those who wait when it is given again', async () => {
    const { lease, pass } = aLease()
    lease.renew(lease.now())
    pass(LEASE_MS)
    const waiting = lease.whenFresh(10_000)
    lease.renew(lease.now())
    assert.equal(await waiting, true)
  })

  test('that was given up is over at once', () => {
    const { lease } = aLease()
    lease.renew(lease.now())
    lease.end()
    assert.equal(lease.isFresh(), false)
  })

  test('is over well before others go on without the node', () => {
    assert.ok(GIVE_UP_MS >= LEASE_MS * 1.25)
  })
})
