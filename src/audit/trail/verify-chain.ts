import { hash } from 'node:crypto'
import type { Instant } from '../../core/ids.ts'
import type { AnchorBook, NotedDigest } from './anchors.ts'
import { type ChainFiles, listChain, readDigest, type SeenDigest } from './chain-files.ts'
import { checkLogFile } from './check-log-file.ts'
import { checkClaims, checkContinuation, DigestHeads } from './digest-checks.ts'
import type { TrailCopy } from './trail-copy.ts'
import {
  type DigestFile,
  isoSeconds,
  signatureFileOf,
  signedText,
  type TrailPlace,
} from './trail-format.ts'
import { gzipOf } from './trail-gathering.ts'
import { parseIsoSeconds, parseLogFileKey } from './trail-names.ts'
import type { TrailReport } from './trail-report.ts'
import type { TrustedKeys } from './trusted-keys.ts'

/** A chain must reach to within this of the time that it is verified for: an hour, and its delivery. */
const REACH_MS = 2 * 3_600_000
/** How many ids are kept to find events that stand twice: those of a digest, which is an hour's. */
const EVENT_IDS_MAX = 1_000_000

export interface ChainContext {
  readonly copy: TrailCopy
  readonly keys: TrustedKeys
  readonly report: TrailReport
  readonly anchors: AnchorBook | undefined
  readonly heads: DigestHeads
  readonly until: Instant
  readonly allowUnsignedNewest: boolean
  readonly onProgress: (place: TrailPlace) => void
}

/** Checks everything of one account in one Region. Memory is bounded by the names of its files and one log file. */
export async function verifyChain(place: TrailPlace, context: ChainContext): Promise<void> {
  const files = await listChain(context.copy, place, context.report)
  await new ChainVerification(place, files, context).run()
}

class ChainVerification {
  readonly #place: TrailPlace
  readonly #files: ChainFiles
  readonly #context: ChainContext
  readonly #unclaimed: Set<string>
  /** Missing log files, by the end of their digest: retention may have removed them. */
  readonly #missing: { readonly file: string; readonly end: Instant }[] = []
  readonly #anchored: Map<string, NotedDigest>
  /** The newest digest whose signature is good. */
  #newestSigned: DigestFile | undefined
  /** The first digest of the copy where it continues one that the copy does not have. */
  #continued: { readonly key: string; readonly digest: DigestFile } | undefined

  constructor(place: TrailPlace, files: ChainFiles, context: ChainContext) {
    this.#place = place
    this.#files = files
    this.#context = context
    this.#unclaimed = new Set(files.logFiles)
    this.#anchored = new Map(context.anchors?.digestsOf(place))
    context.report.place(place.accountId, place.region)
  }

  async run(): Promise<void> {
    const { digests } = this.#files
    let previous: SeenDigest | undefined
    let current = await this.#read(0)
    for (let index = 0; current !== undefined; index += 1) {
      // One ahead: what `aws s3 sync` brings has no signatures but those in the digests that follow.
      const next: SeenDigest | undefined = await this.#read(index + 1)
      await this.#digest(current, previous, next)
      this.#context.onProgress(this.#place)
      previous = current
      current = next
    }
    await this.#newestBytes(previous)
    this.#beginning()
    this.#end(digests.at(-1)?.end)
    this.#anchorsMet()
  }

  async #read(index: number): Promise<SeenDigest | undefined> {
    const file = this.#files.digests[index]
    if (file === undefined) return undefined
    const { copy, report } = this.#context
    return readDigest(copy, file, this.#files.signatures.has(file.key), report)
  }

  async #digest(
    seen: SeenDigest,
    previous: SeenDigest | undefined,
    next: SeenDigest | undefined,
  ): Promise<void> {
    const { report, heads, anchors } = this.#context
    const { key, digest } = seen
    report.digests += 1
    const bad = (what: string): void => report.find(key, what)
    if (previous !== undefined) {
      for (const { file, what } of checkContinuation(seen, previous)) report.find(file, what)
    }
    if (digest === undefined) return
    const signature = this.#signatureOf(seen, next)
    const isValid = this.#isSigned(seen, digest, signature)
    // What nobody has signed must not excuse what is missing.
    if (isValid && signature !== undefined) this.#newestSigned = digest
    this.#compareAnchor(seen, digest, signature)
    const before = previous?.digest
    for (const what of checkClaims(seen, digest, before, this.#place)) bad(what)
    if (previous === undefined && digest.previousDigestS3Object !== null) {
      this.#continued = { key: digest.previousDigestS3Object, digest }
    }
    if (isValid) {
      for (const what of heads.check(digest.strongroom)) bad(what)
      const noted = anchors?.sequenceBefore(digest.strongroom.nodeId, seen.name.end) ?? 0
      if (noted > digest.strongroom.sequence) {
        bad(
          `was rolled back: its log ends at frame ${digest.strongroom.sequence}, an anchor has ${noted}`,
        )
      }
    }
    report.covered(seen.name.end - (parseIsoSeconds(digest.digestStartTime) ?? seen.name.end))
    await this.#logFiles(seen, digest)
  }

  /** Undefined where it is not known. */
  #signatureOf(seen: SeenDigest, next: SeenDigest | undefined): string | undefined {
    if (seen.signature !== undefined) return seen.signature
    const following = next?.digest
    const told = following?.previousDigestS3Object === seen.key
    if (told && following.previousDigestSignature !== null) return following.previousDigestSignature
    return seen.digest && this.#anchored.get(seen.digest.digestEndTime)?.signature
  }

  #isSigned(seen: SeenDigest, digest: DigestFile, signature: string | undefined): boolean {
    const { report, keys, allowUnsignedNewest } = this.#context
    const { key } = seen
    const hasSidecars = this.#files.signatures.size > 0
    if (hasSidecars && !this.#files.signatures.has(key)) {
      report.find(
        signatureFileOf(key),
        'is missing: other digests have their signature beside them',
      )
    }
    if (signature === undefined) {
      const isNewest = key === this.#files.digests.at(-1)?.key
      if (seen.signature === undefined && this.#files.signatures.has(key)) return false
      if (isNewest && !hasSidecars && allowUnsignedNewest) {
        report.note(
          `${key} is the newest digest and has no signature in this copy: nothing vouches for it`,
        )
        return true
      }
      const why = isNewest
        ? 'it is the newest, and the copy has no signature files (an anchor can give it; --allow-unsigned-newest lets it pass)'
        : 'no digest that follows holds it'
      if (!hasSidecars || isNewest)
        report.find(key, `has no signature that could be checked: ${why}`)
      return false
    }
    const text = signedText(digest, seen.content)
    const verdict = keys.verifies(digest.digestPublicKeyFingerprint, { text, signature })
    const fingerprint = digest.digestPublicKeyFingerprint
    if (verdict === true && keys.isValidAt(fingerprint, seen.name.end)) return true
    const what = {
      true: `is signed with the key ${fingerprint}, which was not valid then`,
      false: 'does not match its signature: one of the two was altered',
      undefined: `is signed with a key that was not given, ${fingerprint}`,
    }
    report.find(key, what[`${verdict}`])
    return false
  }

  #compareAnchor({ key }: SeenDigest, digest: DigestFile, signature: string | undefined): void {
    const anchored = this.#anchored.get(digest.digestEndTime)
    if (anchored === undefined) return
    this.#anchored.delete(digest.digestEndTime)
    if (signature !== undefined && signature !== anchored.signature) {
      this.#context.report.find(
        key,
        `is not the digest that was anchored (${anchored.where}): its signature is another`,
      )
    }
  }

  async #logFiles(seen: SeenDigest, digest: DigestFile): Promise<void> {
    const { copy, report } = this.#context
    const eventIds = new Set<string>()
    for (const entry of digest.logFiles) {
      const { s3Object } = entry
      if (parseLogFileKey(s3Object) === undefined) continue
      const stored = this.#unclaimed.has(s3Object) ? await copy.read(s3Object) : undefined
      const wasClaimed = this.#files.logFiles.has(s3Object) && !this.#unclaimed.has(s3Object)
      this.#unclaimed.delete(s3Object)
      if (wasClaimed) {
        report.find(seen.key, `names ${s3Object}, which another digest has already`)
      } else if (stored === undefined) {
        this.#missing.push({ file: s3Object, end: seen.name.end })
      } else {
        if (eventIds.size > EVENT_IDS_MAX) eventIds.clear()
        const { records, problems } = checkLogFile(stored, entry, this.#place, eventIds)
        report.logFiles += 1
        report.records += records
        for (const what of problems) report.find(s3Object, what)
      }
    }
  }

  /** No digest vouches for how the newest one was compressed; its signature does for what it says. */
  async #newestBytes(newest: SeenDigest | undefined): Promise<void> {
    if (newest?.digest === undefined) return
    const usual = hash('sha256', await gzipOf(newest.content))
    if (usual !== newest.gzipHash) {
      this.#context.report.note(
        `${newest.key} is compressed otherwise than this version of the program does; what it says is as it was signed`,
      )
    }
  }

  /** What is missing at the old end, retention may have removed: if a digest says so. */
  #beginning(): void {
    const { report } = this.#context
    const keptSince = this.#newestSigned?.strongroom.keptSince
    const kept = keptSince === undefined ? undefined : parseIsoSeconds(keptSince)
    if (this.#continued !== undefined) {
      const { key, digest } = this.#continued
      const start = parseIsoSeconds(digest.digestStartTime)
      const isCut = kept !== undefined && start !== undefined && start <= kept
      if (isCut) {
        report.note(
          `the trail of ${this.#name} begins at ${digest.digestStartTime}: retention removed what was before`,
        )
      } else {
        report.find(
          key,
          `is missing, and what was before it: the trail is kept since ${keptSince ?? 'its beginning'}`,
        )
      }
    }
    for (const { key, end } of this.#files.loneSignatures) {
      const isCut = kept !== undefined && end <= kept
      if (!isCut) report.find(signatureFileOf(key), 'is the signature of no digest in the copy')
    }
    for (const { file, end } of this.#missing) {
      if (kept === undefined || end > kept) report.find(file, 'is missing: its digest names it')
    }
  }

  #end(newest: Instant | undefined): void {
    const { report, until } = this.#context
    const reaches = newest !== undefined && newest >= until - REACH_MS
    if (newest !== undefined && !reaches) {
      report.find(
        this.#files.digests.at(-1)?.key ?? '',
        `is the newest digest of ${this.#name}, and ends at ${isoSeconds(newest)}: what reaches to ${isoSeconds(until)} is missing`,
      )
    }
    for (const key of this.#unclaimed) {
      const time = parseLogFileKey(key)?.time ?? 0
      // The files of the hour that is under way come before its digest.
      const isOpen = newest === undefined ? time >= until - REACH_MS : reaches && time >= newest
      if (isOpen) report.note(`${key} is in no digest yet: nothing vouches for it`)
      else report.find(key, 'is in no digest: it was added, or its digest is missing')
    }
  }

  get #name(): string {
    return `account ${this.#place.accountId} in ${this.#place.region}`
  }

  /** What was anchored must be there, unless retention has removed it since. */
  #anchorsMet(): void {
    const { report } = this.#context
    const keptSince = this.#newestSigned?.strongroom.keptSince ?? ''
    for (const [end, { where }] of this.#anchored) {
      if (end <= keptSince) continue
      report.find(
        this.#name,
        `was rolled back: the digest that ends at ${end} was anchored (${where}) and is missing`,
      )
    }
  }
}
