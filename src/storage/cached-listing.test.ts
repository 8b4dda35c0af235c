import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { CachedListing, type ListingChange, type ListingLoad } from './cached-listing.ts'

const newListing = () => new CachedListing<string>((entry) => entry)
const names = (from: number, count: number): string[] =>
  Array.from({ length: count }, (_, n) => `k${String(from + n).padStart(4, '0')}`)

/** What the listing says where it knows; fails where it does not. */
function known(listing: CachedListing<string>, after: string, limit: number): readonly string[] {
  const found = listing.read(after, limit)
  assert(!('wanted' in found) && !('changes' in found), 'the page is known')
  return found
}

/** The load that the listing asks for; fails where it asks for none. */
function gap(listing: CachedListing<string>, after: string, limit: number): ListingLoad {
  const found = listing.read(after, limit)
  assert('wanted' in found, 'the page is not known')
  return found
}

/** A listing that knows all of 300 entries. */
function filled(): CachedListing<string> {
  const listing = newListing()
  listing.endLoad(gap(listing, '', 10), names(0, 300), true)
  return listing
}

describe('what is known of a listing', () => {
  test('nothing at first; then what a load has brought, and where it ends', () => {
    const listing = newListing()
    const load = gap(listing, '', 5)
    assert.deepEqual([load.after, load.upTo, load.wanted], ['', undefined, 5])
    listing.endLoad(load, names(0, 10), false)
    assert.deepEqual(known(listing, '', 5), names(0, 5))
    assert.deepEqual(known(listing, 'k0004', 5), names(5, 5))
    const next = gap(listing, 'k0007', 5)
    assert.deepEqual([next.after, next.upTo, next.wanted], ['k0009', undefined, 3])
    listing.endLoad(next, names(10, 1), true)
    assert.deepEqual(known(listing, 'k0007', 5), names(8, 3))
    assert.deepEqual(known(listing, 'k0010', 5), [])
    assert.deepEqual(known(listing, 'z', 5), [])
  })

  test('an empty listing is known to be empty', () => {
    const listing = newListing()
    listing.endLoad(gap(listing, '', 5), [], true)
    assert.deepEqual(known(listing, '', 5), [])
  })

  test('a gap between two known stretches is read up to the second', () => {
    const listing = newListing()
    listing.endLoad(gap(listing, 'k0100', 5), names(101, 5), false)
    const load = gap(listing, '', 200)
    assert.deepEqual([load.after, load.upTo], ['', 'k0100'])
    listing.endLoad(load, names(0, 101), true)
    assert.deepEqual(known(listing, '', 106), names(0, 106))
  })

  test('a place that is no entry starts a page as well', () => {
    assert.deepEqual(known(filled(), 'k0130x', 2), names(131, 2))
  })
})

const change = (place: string): ListingChange => ({ place, key: [place] })

/** What the listing wants to have looked up; fails where it wants nothing. */
function changed(listing: CachedListing<string>, after: string, limit: number): ListingChange[] {
  const found = listing.read(after, limit)
  assert('changes' in found, 'a change is to be looked up')
  return [...found.changes]
}

/** Touches many places of one stretch: more than are looked up one by one. */
function touchMuch(listing: CachedListing<string>, from: number): void {
  for (const place of names(from, 20)) listing.touch(change(place))
}

describe('a commit', () => {
  test('has pages of its stretch look up what it touched, and no others', () => {
    const listing = filled()
    listing.touch(change('k0130'))
    listing.touch(change('k0131x'))
    assert.deepEqual(known(listing, '', 128), names(0, 128))
    assert.deepEqual(known(listing, 'k0255', 5), names(256, 5))
    const [first, second] = changed(listing, 'k0127', 5)
    assert(first && second)
    listing.settle(first, undefined)
    listing.settle(second, 'k0131x')
    assert.deepEqual(known(listing, 'k0128', 4), ['k0129', 'k0131', 'k0131x', 'k0132'])
  })

  test('replaces an entry, and leaves out what came to nothing', () => {
    const listing = new CachedListing<{ place: string; value: number }>(({ place }) => place)
    const load = listing.read('', 5)
    assert('wanted' in load)
    listing.endLoad(load, [{ place: 'a', value: 1 }], true)
    const touched = change('a')
    listing.touch(touched)
    listing.settle(touched, { place: 'a', value: 2 })
    assert.deepEqual(listing.read('', 5), [{ place: 'a', value: 2 }])
    const other = change('b')
    listing.touch(other)
    listing.settle(other, undefined)
    assert.deepEqual(listing.read('', 5), [{ place: 'a', value: 2 }])
  })

  test('that comes while another is looked up has to be looked up itself', () => {
    const listing = filled()
    const [first, second] = [change('k0130'), change('k0130')]
    listing.touch(first)
    listing.touch(second)
    listing.settle(first, undefined)
    assert.deepEqual(changed(listing, 'k0127', 1), [second])
    listing.settle(second, 'k0130')
    listing.settle(second, undefined)
    assert.deepEqual(known(listing, '', 300), names(0, 300))
  })

  test('after many in one stretch makes that unknown', () => {
    const listing = filled()
    touchMuch(listing, 130)
    assert.deepEqual(known(listing, '', 128), names(0, 128))
    const load = gap(listing, 'k0126', 5)
    assert.deepEqual([load.after, load.upTo], ['k0127', 'k0255'])
    assert.deepEqual(known(listing, 'k0255', 44), names(256, 44))
    listing.settle(change('k0130'), undefined)
    listing.endLoad(load, names(128, 128), true)
    assert.deepEqual(known(listing, '', 300), names(0, 300))
  })

  test('after many that let a stretch grow has it read again', () => {
    const listing = filled()
    for (let n = 0; n < 130; n++) {
      const touched = change(`k0130${String(n).padStart(3, '0')}`)
      listing.touch(touched)
      listing.settle(touched, touched.place)
    }
    assert.equal(gap(listing, 'k0127', 5).upTo, 'k0255')
  })

  test('behind the last entry is one of the last stretch', () => {
    const listing = filled()
    listing.touch(change('k0999'))
    const [touched] = changed(listing, 'k0255', 5)
    assert(touched)
    listing.settle(touched, 'k0999')
    assert.deepEqual(known(listing, 'k0298', 5), ['k0299', 'k0999'])
  })

  test('overtakes a load whose range it touches: what that brings is not kept', () => {
    const listing = newListing()
    listing.endLoad(gap(listing, 'k0100', 5), names(101, 5), false)
    const [early, late] = [gap(listing, '', 5), gap(listing, 'k0105', 5)]
    listing.touch(change('k0050'))
    listing.endLoad(early, names(0, 101), true)
    listing.endLoad(late, names(106, 5), true)
    gap(listing, '', 5)
    assert.deepEqual(known(listing, 'k0105', 5), names(106, 5))
  })
})

describe('loads', () => {
  test('of which two have read the same leave it there once', () => {
    const listing = newListing()
    const loads = [gap(listing, '', 5), gap(listing, '', 5), gap(listing, 'k0003', 5)]
    listing.endLoad(loads[0] ?? assert.fail(), names(0, 10), false)
    listing.endLoad(loads[1] ?? assert.fail(), names(0, 20), false)
    listing.endLoad(loads[2] ?? assert.fail(), names(4, 6), true)
    assert.deepEqual(known(listing, '', 10), names(0, 10))
    assert.equal(gap(listing, '', 11).after, 'k0009')
  })

  test('that failed leave nothing', () => {
    const listing = newListing()
    listing.endLoad(gap(listing, '', 5))
    assert.equal(gap(listing, '', 5).after, '')
  })

  test('weigh what they have left until it is forgotten', () => {
    const listing = filled()
    assert.ok(listing.weight >= 300)
    for (const from of [1, 200, 270]) touchMuch(listing, from)
    assert.equal(listing.weight, 0)
  })
})
