import type { Instant } from '../../core/ids.ts'
import { type Anchor, AnchorBook, parseAnchors } from './anchors.ts'
import { DigestHeads } from './digest-checks.ts'
import { findBuckets, placesIn } from './trail-buckets.ts'
import type { TrailCopy } from './trail-copy.ts'
import type { TrailPlace } from './trail-format.ts'
import { type TrailCounts, type TrailFinding, TrailReport } from './trail-report.ts'
import type { TrustedKeys } from './trusted-keys.ts'
import { verifyChain } from './verify-chain.ts'

export interface VerifyTrailOptions {
  readonly keys: TrustedKeys
  /** The trail must reach to within two hours of this. */
  readonly until: Instant
  /** Only this account; every one by default. */
  readonly accountId?: string | undefined
  /** Anchors, JSON lines, with the name of their file. */
  readonly anchors?: { readonly file: string; readonly text: string } | undefined
  /** What else is known of the digests: by the store of the node. Its `sequence` is not looked at. */
  readonly known?: Anchor | undefined
  /** Collects what digests say of the logs of nodes. */
  readonly heads?: DigestHeads | undefined
  /** Takes it that the newest digest of a chain has no signature, where a copy has no signature files at all. */
  readonly allowUnsignedNewest?: boolean | undefined
  /** Told after each digest. */
  readonly onProgress?: ((counts: TrailCounts, place: TrailPlace) => void) | undefined
}

export interface TrailVerdict extends TrailCounts {
  readonly intact: boolean
  /** At most 1,000. */
  readonly findings: readonly TrailFinding[]
  readonly findingsLeftOut: number
  /** What could not be looked at, or is worth knowing. */
  readonly notes: readonly string[]
}

/**
 * Checks a copy of trails with nothing but public keys: every byte of every file, that no file is missing, added or in
 * another's place, that the digests cover all time without a gap, and that the trail reaches to `until`.
 * Source: docs/formats/audit-trail.md, Verifying.
 * @throws {OperatorError} where the copy holds no trail
 */
export async function verifyTrail(
  copy: TrailCopy,
  options: VerifyTrailOptions,
): Promise<TrailVerdict> {
  const report = new TrailReport()
  const { heads = new DigestHeads() } = options
  const anchors = readAnchors(options, report, heads)
  const seen = new Set<string>()
  const buckets = await findBuckets(copy, report)
  for (const bucket of buckets) {
    for await (const place of placesIn(bucket, report, options.accountId)) {
      seen.add(`${place.accountId}/${place.region}`)
      await verifyChain(place, {
        copy: bucket.copy,
        report,
        anchors,
        heads,
        keys: options.keys,
        until: options.until,
        allowUnsignedNewest: options.allowUnsignedNewest === true,
        onProgress: (at) => options.onProgress?.(report.counts, at),
      })
    }
  }
  const isWhole = buckets.every(({ accountId }) => accountId !== undefined)
  missingChains({ anchors, seen, isWhole, accountId: options.accountId }, report)
  if (report.digests === 0) {
    report.find(copy.folder, 'holds no digest: a node writes the first when its first hour is over')
  }
  const { findings, findingsLeftOut, notes, counts } = report
  return { intact: findings.length === 0, findings, findingsLeftOut, notes, ...counts }
}

function readAnchors(
  { anchors, known, keys }: VerifyTrailOptions,
  report: TrailReport,
  heads: DigestHeads,
): AnchorBook | undefined {
  if (anchors === undefined && known === undefined) return undefined
  const file = anchors?.file ?? ''
  const parsed = anchors === undefined ? [] : parseAnchors(anchors, report, keys)
  for (const anchor of parsed) {
    for (const what of heads.check(anchor)) report.find(file, `in ${anchor.where} ${what}`)
  }
  const all = known === undefined ? parsed : [...parsed, { ...known, sequence: 0 }]
  return new AnchorBook(file, all, report)
}

interface Expected {
  readonly anchors: AnchorBook | undefined
  readonly seen: ReadonlySet<string>
  /** The copy is of all accounts. */
  readonly isWhole: boolean
  readonly accountId?: string | undefined
}

/** Chains that anchors know, and of which the copy has nothing. */
function missingChains(
  { anchors, seen, isWhole, accountId: onlyAccount }: Expected,
  report: TrailReport,
): void {
  const accountsSeen = new Set([...seen].map((place) => place.slice(0, 12)))
  for (const { accountId, region } of anchors?.places() ?? []) {
    const isAsked =
      onlyAccount === undefined ? isWhole || accountsSeen.has(accountId) : accountId === onlyAccount
    if (isAsked && !seen.has(`${accountId}/${region}`)) {
      report.find(
        `account ${accountId} in ${region}`,
        'was anchored, and nothing of it is in the copy',
      )
    }
  }
}
