import type { EventFilter, EventLookup, FoundEvent } from '../core/audit-search.ts'
import type { OperatorError } from '../core/errors.ts'
import type { Instant } from '../core/ids.ts'
import type { IssuedCredential, Operator } from '../core/operator.ts'
import type { Secret } from '../core/secret.ts'
import type { DrillOptions, DrillReport, RestoredPlace, RestoreOptions } from './backup-program.ts'
import type {
  ClientCertificateOptions,
  OperatorCertificateOptions,
  RunningServer,
  WorkersProgram,
} from './serving-program.ts'
import type { StoreMigration, TransferOptions, TransferredStore } from './store-program.ts'

/**
 * Everything the command line can have done. `main.ts` fills it with the server's functions, tests
 * with fakes: so the command line itself imports no server, and `--help` loads none.
 *
 * Every function rejects with `OperatorError` for what the person at the terminal can mend.
 */
export interface Program extends WorkersProgram {
  /** How this program is called in hints: `strongroom`, or `./bin/strongroom` from a checkout. */
  readonly commandName: string
  version(): string
  /** Takes ownership of the bytes. */
  newSecret(bytes: Uint8Array): Secret
  /** @param onFolderMade told as soon as the first account is made: also where the start then fails */
  startServer(
    options: StartOptions,
    onFolderMade?: (folder: InitializedFolder) => void,
  ): Promise<RunningServer>
  startDev(options: DevOptions): Promise<RunningServer>
  /** @param onFolderMade as for `startServer` */
  initFolder(
    options: StartOptions,
    onFolderMade?: (folder: InitializedFolder) => void,
  ): Promise<InitializedFolder>
  /** The running node's socket, or else the store, opened exclusively. */
  openOperator(options: FolderOptions): Promise<OpenOperator>
  /** Asks a node over HTTP, as anybody whose credentials are given. */
  openInquirer(options: EndpointOptions): Promise<Inquirer>
  /** Gives a share to the sealed node of a data folder. */
  unseal(options: { readonly dataFolder: string; readonly share: string }): Promise<UnsealState>
  describeClient(options: { readonly dataFolder: string }): Promise<ClientSettings>
  /** Hands every record, or with `frames` every frame, as one line of JSON to `to.write`. */
  auditCat(options: FolderOptions & { readonly frames: boolean }, to: AuditReader): Promise<void>
  auditVerify(options: FolderOptions & VerifyAgainst): Promise<AuditVerdict>
  /** Checks a copy of the trail with public keys alone. */
  auditVerifyTrail(
    options: TrailVerifyOptions,
    onProgress: (counts: TrailCounts) => void,
  ): Promise<TrailVerdict>
  /** Puts a backup back as the store of a data folder that has none, or into an empty database. */
  restoreBackup(options: RestoreOptions): Promise<RestoredPlace>
  /** Puts a backup into a scratch store and has every key prove that it works. */
  drillBackup(options: DrillOptions): Promise<DrillReport>
  /** What can be asked about the events of a folder, of its running node or of its files. */
  openEventLookup(options: FolderOptions): Promise<OpenLookup>
  /** The proof of one event, as JSON. `onProgress` is told how much of the node's log is indexed. */
  auditProve(options: ProveOptions, onProgress: (done: number, of: number) => void): Promise<string>
  /** Makes or updates the tables of a store in PostgreSQL. */
  migrateStore(options: {
    readonly store: string
    /** Only says what would be done. */
    readonly dryRun: boolean
  }): Promise<StoreMigration>
  /** Moves the store of a stopped node to another place. */
  transferStore(options: TransferOptions): Promise<TransferredStore>
}

export const SEAL_KINDS = ['keyfile', 'passphrase', 'shares'] as const
export type SealKind = (typeof SEAL_KINDS)[number]

export const AUDIT_DURABILITIES = ['sync', 'async'] as const
export type AuditDurability = (typeof AUDIT_DURABILITIES)[number]

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const
export type LogLevel = (typeof LOG_LEVELS)[number]

/** `open`: for a seal that exists. `choose`: a new one, asked for twice. */
export type PassphrasePurpose = 'open' | 'choose'

/** Where a node's data lives and how its seal opens. */
export interface FolderOptions {
  readonly dataFolder: string
  /** A file, or the URL of a PostgreSQL database. Default: `strongroom.db` in the data folder. */
  readonly store: string | undefined
  /** Default: `root.key` in the data folder. */
  readonly keyfile: string | undefined
  /** Default: what the store was made with; a key file for a new one. */
  readonly seal: SealKind | undefined
  readonly passphraseFile: string | undefined
  /** Which of several processes on one port it is, from 1 on; absent where it serves alone. */
  readonly worker?: number
  /** Asks at the terminal; only called when no `passphraseFile` is given. The caller owns the answer. */
  readonly readPassphrase: (purpose?: PassphrasePurpose) => Promise<Secret>
  /** Of a new root key in shares; default: as the store has it. */
  readonly quorum?: Quorum | undefined
  /** The next share of the root key, as somebody types it. Absent where nobody can be asked. */
  readonly readShare?: ((progress: ShareProgress) => Promise<string>) | undefined
  /** Whether `readShare` takes them from files that were named. */
  readonly hasShareFiles?: boolean | undefined
  /** Shows new shares, this once: rejects where they were not seen. */
  readonly showShares?: ((shares: readonly string[]) => Promise<void>) | undefined
}

/** How many shares of a root key there are, and how many give it. */
export interface Quorum {
  readonly shares: number
  readonly threshold: number
}

/** How far an unsealing has come. */
export interface ShareProgress extends Quorum {
  readonly rootKeyId: string
  readonly given: number
  /** Why the share that was given last was not taken. */
  readonly refusal: OperatorError | undefined
}

/** What a sealed node says when it was given a share. */
export interface UnsealState extends Quorum {
  /** False once there were enough. */
  readonly sealed: boolean
  readonly given: number
  /** Why this share was not taken. */
  readonly refusal?: string
  readonly hint?: string
}

export const EVENT_API_CALLS = ['none', 'write', 'all'] as const
export type EventApiCalls = (typeof EVENT_API_CALLS)[number]

/** Where the events of keys go. */
export interface EventOptions {
  /** Each `webhook:URL`, `file:PATH` or `stdout`. */
  readonly to: readonly string[]
  /** Which calls become events besides. */
  readonly apiCalls: EventApiCalls
  readonly webhookSecretFile?: string
  /** Whether webhooks beyond loopback may be plain HTTP. */
  readonly allowPlainHttp: boolean
}

/** Where copies of the audit trail go. */
export interface ShippingOptions {
  /** Each `dir:PATH`, `s3://BUCKET/PREFIX` or `s3://*`. */
  readonly to: readonly string[]
  /** AWS's own store where absent. */
  readonly s3Endpoint?: string
  readonly s3Region?: string
  /** Of the store, in the AWS shared credentials format. Default: those of the environment. */
  readonly credentialsFile?: string
  /** Whether a store beyond loopback may be reached by plain HTTP. */
  readonly allowPlainHttp: boolean
}

/** Where it is noted how far the audit log has got. */
export interface AnchorOptions {
  /** Each `file:PATH`, `webhook:URL` or `strongroom:ENDPOINT`. */
  readonly to: readonly string[]
  readonly everyMinutes: number
  /** The ARN of a key of the other Strongroom. */
  readonly keyArn?: string
  readonly signingAlgorithm: string
  readonly credentialsFile?: string
  readonly allowPlainHttp: boolean
}

export interface StartOptions extends FolderOptions, OperatorCertificateOptions {
  /** 0 lets the system choose. */
  readonly port: number
  readonly host: string
  /** The default Region. */
  readonly region: string
  /** HTTPS with a certificate of the node's own CA, unless `tlsCert` and `tlsKey` are given. */
  readonly tls: boolean
  readonly tlsCert?: string
  readonly tlsKey?: string
  /** Further host names and addresses for the node's own certificate. */
  readonly tlsHosts: readonly string[]
  readonly allowPlainHttp: boolean
  readonly auditDurability: AuditDurability
  /** Audit records that are older are removed; absent: none ever. */
  readonly auditRetentionDays?: number
  readonly acceptAuditDamage: boolean
  /** Request quotas: `off` (as when absent), `aws`, or a file of rates. */
  readonly quotas?: string
  /** A PEM file of the roots of attestation documents. Default: AWS's root. */
  readonly attestationRootFile?: string
  /** Networks (CIDR) of proxies that are believed where requests come from. Default: none. */
  readonly trustedProxies?: readonly string[]
  /** Networks (CIDR) that may read the metrics; programs on this machine always may. Default: none. */
  readonly metricsFrom?: readonly string[]
  /** Whether each request has a line in the log. */
  readonly logRequests?: boolean
  /** Where traces go to: the URL of a collector. Default: nowhere. */
  readonly otlpEndpoint?: string
  /** How many of the requests are traced whose callers do not say: 0 to 1. Default: one in a hundred. */
  readonly traceSample?: number
  /** Whether keys of identity providers are fetched in private networks, and by plain HTTP on this machine. */
  readonly oidcAllowPrivate?: boolean
  /** Where events go; nowhere where absent. */
  readonly events?: EventOptions
  /** Where the audit trail is copied to; nowhere where absent. */
  readonly shipping?: ShippingOptions
  /** Where the head of the audit log is anchored; nowhere where absent. */
  readonly anchoring?: AnchorOptions
  /** How long the node serves on, saying that it is not ready, when it is told to stop. Default: not at all. */
  readonly drainSeconds?: number
  readonly logLevel: LogLevel
}

/** What `dev` takes as `start` does. */
type SharedOptions = Pick<
  StartOptions,
  | 'quotas'
  | 'attestationRootFile'
  | 'trustedProxies'
  | 'metricsFrom'
  | 'logRequests'
  | 'otlpEndpoint'
  | 'traceSample'
  | 'oidcAllowPrivate'
  | 'events'
>

export interface DevOptions extends SharedOptions {
  readonly port: number
  readonly host: string
  /** The account of credentials that name none. */
  readonly account: string
  readonly region: string
  readonly allowPlainHttp: boolean
  readonly seedFile?: string
  readonly logLevel: LogLevel
}

export interface InitializedFolder extends IssuedCredential {
  readonly credentialsFile: string
  /** Absent with another seal than a key file. */
  readonly keyfile?: string | undefined
  /** Absent when the node has no CA of its own. */
  readonly caFile?: string | undefined
}

/** Who is told of events as they are written. Each is waited for. */
export interface EventReader {
  /** Everything up to this frame of the log was there before. */
  begins(sequence: number): Promise<void>
  write(event: FoundEvent): Promise<void>
}

export interface OpenLookup {
  readonly lookup: EventLookup
  /** When it was opened. Unit: milliseconds since the Unix epoch. */
  readonly now: Instant
  /** Brings the index up to date; told how many frames are in it, and about how many there are. */
  catchUp(onProgress: (done: number, of: number) => void): Promise<void>
  /** Hands over every event that is written from now on, until the signal says that it is enough. */
  follow(filter: EventFilter, to: EventReader, signal: AbortSignal): Promise<void>
  close(): Promise<void>
}

export interface OpenOperator {
  readonly operator: Operator
  close(): Promise<void>
}

/** What can be asked of a node by an operator, and over HTTP by those who may. */
export type Inquirer = Pick<Operator, 'explain' | 'whoCan' | 'simulate'>

/** Where a node is asked over HTTP, and by whom. */
export interface EndpointOptions extends ClientCertificateOptions {
  /** `http://127.0.0.1:7600` */
  readonly endpoint: string
  readonly region: string
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string | undefined
}

/** What an AWS client needs to reach a node. */
export interface ClientSettings {
  /** Absent when no node runs on the data folder. */
  readonly endpoint: string | undefined
  /** The node's default Region; absent when that is not known. */
  readonly region: string | undefined
  /** In the AWS shared credentials format. */
  readonly credentialsFile: string
  /** Present when the node's certificate comes from its own CA. */
  readonly caFile: string | undefined
}

/** Who is told what stands in an audit log. Each is waited for. */
export interface AuditReader {
  write(line: string): Promise<void>
  /** A place that is not what was written, in one plain sentence; the reading goes on behind it. */
  damaged(place: string): Promise<void>
}

export interface AuditVerdict {
  readonly intact: boolean
  readonly segments: number
  readonly frames: number
  /** One plain sentence for each thing found wrong; empty when intact. */
  readonly problems: readonly string[]
  /** Whether the MACs were checked, too: without them, who can write the files could have made all of it anew. */
  readonly macsChecked: boolean
  /** What could not be checked, or is worth knowing, in sentences. */
  readonly notes?: readonly string[]
}

/** A file that was named on the command line, and its text. */
export interface NamedText {
  readonly file: string
  readonly text: string
}

/** What a log must not be older than. */
export interface VerifyAgainst {
  /** Anchors, JSON lines. */
  readonly anchors?: NamedText | undefined
}

export interface ProveOptions extends FolderOptions {
  readonly eventId: string
  /** A copy of the trail to prove it from, in place of a node's own. */
  readonly copy: string | undefined
}

export interface TrailVerifyOptions extends VerifyAgainst {
  /** A copy of a trail, of a bucket, or of a folder AWSLogs. */
  readonly folder: string
  /** PEM, one key or more. */
  readonly publicKeys: string
  /** Milliseconds since the Unix epoch; the present by default. */
  readonly until: number | undefined
  readonly accountId: string | undefined
  readonly allowUnsignedNewest: boolean
  /** The node whose trail it is: the copy must not be older than its store, and say of its log what the log says. */
  readonly node: FolderOptions | undefined
}

export interface TrailCounts {
  readonly accounts: number
  readonly regions: number
  /** Clock hours that digests cover, of every account and Region together. */
  readonly hours: number
  readonly digests: number
  readonly logFiles: number
  readonly records: number
}

export interface TrailVerdict extends TrailCounts {
  readonly intact: boolean
  /** The first thousand; `what` is a sentence whose subject is the file. */
  readonly findings: readonly { readonly file: string; readonly what: string }[]
  readonly findingsLeftOut: number
  /** What could not be checked, or is worth knowing, in sentences. */
  readonly notes: readonly string[]
  /** Of the node that was named. */
  readonly log?: AuditVerdict | undefined
}

/** A backup, and where its seal is: `keyfile` and `passphraseFile` of the folder options. */
