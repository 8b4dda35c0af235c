import { OperatorError } from '../../core/errors.ts'
import type { Instant } from '../../core/ids.ts'
import { AnchorBook, parseAnchors } from './anchors.ts'
import { DigestHeads } from './digest-checks.ts'
import { copyBelow, isHidden, type TrailCopy } from './trail-copy.ts'
import { accountOfBucket, type TrailPlace } from './trail-format.ts'
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

/** One bucket of a copy: its keys are paths of `copy`. */
interface Bucket {
  readonly copy: TrailCopy
  /** What stands in front of its keys in the copy. */
  readonly prefix: string
  /** Absent where the folder does not say whose it is. */
  readonly accountId: string | undefined
}

const ROOT = 'AWSLogs'
const LOGS = 'CloudTrail'
const DIGESTS = 'CloudTrail-Digest'
const ACCOUNT = /^\d{12}$/

/**
 * Checks a copy of trails with nothing but public keys: every byte of every file, that no file is missing, added or in
 * another's place, that the digests cover all time without a gap, and that the trail reaches to `until`.
 * Source: docs/formats/audit-trail.md, Verification.
 * @throws {OperatorError} where the copy holds no trail
 */
export async function verifyTrail(
  copy: TrailCopy,
  options: VerifyTrailOptions,
): Promise<TrailVerdict> {
  const report = new TrailReport()
  const heads = new DigestHeads()
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
  const { findings, findingsLeftOut, notes, counts } = report
  return { intact: findings.length === 0, findings, findingsLeftOut, notes, ...counts }
}

function readAnchors(
  { anchors }: VerifyTrailOptions,
  report: TrailReport,
  heads: DigestHeads,
): AnchorBook | undefined {
  if (anchors === undefined) return undefined
  const parsed = parseAnchors(anchors.file, anchors.text, report)
  for (const anchor of parsed) {
    for (const what of heads.check(anchor)) {
      report.find(anchors.file, `in line ${anchor.line} ${what}`)
    }
  }
  return new AnchorBook(anchors.file, parsed, report)
}

/** A folder of buckets, one bucket, or what is in its folder AWSLogs. */
async function findBuckets(copy: TrailCopy, report: TrailReport): Promise<readonly Bucket[]> {
  const entries = await copy.entries('')
  const names = entries.filter(({ isFolder }) => isFolder).map(({ name }) => name)
  const buckets = names.filter((name) => accountOfBucket(name) !== undefined)
  if (names.includes(ROOT)) {
    foreign(entries, [ROOT], '', report)
    return [{ copy, prefix: '', accountId: undefined }]
  }
  if (buckets.length > 0) {
    foreign(entries, buckets, '', report)
    return buckets.map((name) => ({
      copy: copyBelow(copy, `${name}/`),
      prefix: `${name}/`,
      accountId: accountOfBucket(name),
    }))
  }
  if (names.some((name) => ACCOUNT.test(name))) {
    return [{ copy: copyAbove(copy), prefix: '', accountId: undefined }]
  }
  throw new OperatorError(
    `there is no trail in ${copy.folder}`,
    'name a copy of the folder trail of a node, of a bucket in it, or of its folder AWSLogs',
  )
}

/** A copy of the folder AWSLogs, as if it were in its bucket. */
const copyAbove = (copy: TrailCopy): TrailCopy => ({
  folder: copy.folder,
  entries: (path) =>
    path === ''
      ? Promise.resolve([{ name: ROOT, isFolder: true }])
      : copy.entries(path === ROOT ? '' : path.slice(ROOT.length + 1)),
  read: (path) => copy.read(path.slice(ROOT.length + 1)),
})

function foreign(
  entries: readonly { readonly name: string }[],
  own: readonly string[],
  folder: string,
  report: TrailReport,
): void {
  for (const { name } of entries) {
    if (!own.includes(name) && !isHidden(name))
      report.find(folder + name, 'does not belong into a trail')
  }
}

/** The accounts and Regions of a bucket; what else is in it goes into the report. */
async function* placesIn(
  bucket: Bucket,
  report: TrailReport,
  onlyAccount: string | undefined,
): AsyncGenerator<TrailPlace, void, undefined> {
  const { copy, prefix, accountId: owner } = bucket
  foreign(await copy.entries(''), [ROOT], prefix, report)
  const accounts = await copy.entries(ROOT)
  const isAccount = (name: string): boolean =>
    owner === undefined ? ACCOUNT.test(name) : name === owner
  foreign(accounts, accounts.map(({ name }) => name).filter(isAccount), `${prefix}${ROOT}/`, report)
  for (const { name: accountId } of accounts.filter(({ name }) => isAccount(name))) {
    if (onlyAccount !== undefined && accountId !== onlyAccount) continue
    const folder = `${ROOT}/${accountId}`
    foreign(await copy.entries(folder), [LOGS, DIGESTS], `${prefix}${folder}/`, report)
    const regions = new Set<string>()
    for (const kind of [LOGS, DIGESTS]) {
      for (const { name, isFolder } of await copy.entries(`${folder}/${kind}`)) {
        if (isFolder) regions.add(name)
        else foreign([{ name }], [], `${prefix}${folder}/${kind}/`, report)
      }
    }
    for (const region of [...regions].sort()) yield { accountId, region }
  }
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
