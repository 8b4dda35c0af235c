import { OperatorError } from '../../core/errors.ts'
import { copyBelow, isHidden, type TrailCopy } from './trail-copy.ts'
import { accountOfBucket, type TrailPlace } from './trail-format.ts'
import type { TrailReport } from './trail-report.ts'

/** One bucket of a copy: its keys are paths of `copy`. */
export interface Bucket {
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

/** A folder of buckets, one bucket, or what is in its folder AWSLogs. */
export async function findBuckets(
  copy: TrailCopy,
  report: TrailReport,
): Promise<readonly Bucket[]> {
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
export async function* placesIn(
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
