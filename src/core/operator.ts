import type { EventLookup } from './audit-search.ts'
import type { EventOperator } from './event-delivery.ts'
import type {
  Explanation,
  SimulateRequest,
  Simulation,
  WhoCan,
  WhoCanRequest,
} from './explanations.ts'
import type { KeyImpact, KeyImpactRequest } from './key-impact.ts'

/**
 * What an operator may do on the machine itself. A running node serves it over `operator.sock`;
 * without one, the program opens the store exclusively and does it in process.
 * Every method rejects with `OperatorError` for what the person can mend.
 */
export interface Operator extends EventOperator, EventLookup {
  status(): Promise<NodeStatus>
  /** `accountId` is drawn at random when absent. The secret is shown this once. */
  createAccount(request: {
    readonly accountId?: string
    readonly name?: string
  }): Promise<IssuedCredential>
  listAccounts(): Promise<readonly AccountSummary[]>
  /** Issues a new root credential for the account and deletes the old ones: they stop working at once. */
  rotateCredentials(request: { readonly accountId: string }): Promise<IssuedCredential>
  /** Makes a new domain key and re-wraps every secret under it. */
  rotateDomainKey(): Promise<{ readonly domainKeyId: string; readonly rewrapped: number }>
  /** Makes a new root key and re-wraps the domain keys under it. */
  rotateRootKey(): Promise<{ readonly rootKeyId: string }>
  /** Sets the service control policy of an account, in force from the next call on. */
  setServiceControl(request: {
    readonly accountId: string
    readonly policy: string
  }): Promise<ServiceControlPolicy>
  getServiceControl(request: { readonly accountId: string }): Promise<ServiceControlPolicy>
  removeServiceControl(request: { readonly accountId: string }): Promise<{
    readonly accountId: string
  }>
  /** Sets for how many days a key of an account must not have been used before its deletion is scheduled. */
  setDeletionGuard(request: {
    readonly accountId: string
    readonly days: number
  }): Promise<DeletionGuardSetting>
  getDeletionGuard(request: { readonly accountId: string }): Promise<DeletionGuardSetting>
  removeDeletionGuard(request: { readonly accountId: string }): Promise<{
    readonly accountId: string
  }>
  /** Sets the keys of an identity provider, for every account that knows it: nothing is fetched from it then. */
  setOidcKeys(request: {
    readonly providerUrl: string
    readonly keySet: string
  }): Promise<ProviderKeySummary>
  listOidcKeys(): Promise<readonly ProviderKeySummary[]>
  removeOidcKeys(request: { readonly providerUrl: string }): Promise<{
    readonly providerUrl: string
  }>
  /** The nodes of the store, the one that is asked first. */
  listNodes(): Promise<readonly NodeSummary[]>
  /** Forgets a node that is gone for good, so that nobody waits for what is in its audit log. */
  forgetNode(request: { readonly nodeId: string }): Promise<{ readonly nodeId: string }>
  /** Issues a certificate to an operator, from the installation's own operator CA. @param request.days 90 by default */
  issueOperatorCertificate(request: {
    readonly name: string
    readonly days?: number | undefined
  }): Promise<OperatorCertificate>
  /** Makes another operator CA: no certificate of the present one is taken any more. */
  replaceOperatorAuthority(): Promise<{ readonly authority: string }>
  /** Writes a backup of the store as it is now, encrypted; the node goes on serving. */
  backup(request: { readonly path: string }): Promise<BackupSummary>
  /** The public keys that verify the digests of the audit trail, old ones too, oldest first. */
  auditPublicKeys(): Promise<readonly AuditPublicKey[]>
  /** Makes a new key that signs digests from now on. */
  rotateAuditSigningKey(): Promise<AuditPublicKey>
  /** What the deletion of a key would touch. */
  keyImpact(request: KeyImpactRequest): Promise<KeyImpact>
  /** Why a call was or was not allowed, from the audit log. */
  explain(request: { readonly requestId: string }): Promise<Explanation>
  /** Who may do something to a key. */
  whoCan(request: WhoCanRequest): Promise<WhoCan>
  /** What a change of policies would change. */
  simulate(request: SimulateRequest): Promise<Simulation>
}

/** A node of the store. */
export interface NodeSummary {
  readonly nodeId: string
  /** `this`: the one that was asked. */
  readonly state: 'this' | 'running' | 'stopped'
  /** Audit records in the store that may not be in its log yet. */
  readonly waitingRecords: number
}

/** What makes somebody an operator over TCP; its private key is shown this once. */
export interface OperatorCertificate {
  readonly name: string
  /** Hexadecimal. */
  readonly serialNumber: string
  /** ISO 8601. */
  readonly validUntil: string
  readonly certificatePem: string
  /** PKCS #8. */
  readonly privateKeyPem: string
}

/** A backup that was written. */
export interface BackupSummary {
  readonly path: string
  readonly sizeBytes: number
  /** ISO 8601: what had been committed by then is in it. */
  readonly createdAt: string
  /** Records of the store. */
  readonly rows: number
  /** Keys that can be tried out against what they did now. */
  readonly canaries: number
}

/** The public part of a key that signs the digests of the audit trail, or has signed some. */
export interface AuditPublicKey {
  /** 32 hex digits, as digests name it. */
  readonly fingerprint: string
  /** ISO 8601. */
  readonly validFrom: string
  readonly validTo: string
  /** SubjectPublicKeyInfo in PEM; ends with a line feed. */
  readonly pem: string
}

/** The keys that an operator gave of an identity provider. */
export interface ProviderKeySummary {
  readonly providerUrl: string
  /** One for each key: its id, or its kind where it has none. */
  readonly keys: readonly string[]
  /** ISO 8601. */
  readonly updatedAt: string
}

/** What nobody in an account may do. */
export interface ServiceControlPolicy {
  readonly accountId: string
  /** JSON text, as it was given. */
  readonly policy: string
  /** ISO 8601. */
  readonly updatedAt: string
}

/** What an account's keys are asked before their deletion. */
export interface DeletionGuardSetting {
  readonly accountId: string
  readonly days: number
  /** ISO 8601. */
  readonly updatedAt: string
}

export interface IssuedCredential {
  readonly accountId: string
  readonly accessKeyId: string
  readonly secretAccessKey: string
}

export interface AccountSummary {
  readonly accountId: string
  readonly name: string
  /** ISO 8601. */
  readonly createdAt: string
  /** Active root access key ids. */
  readonly accessKeyIds: readonly string[]
}

export interface NodeStatus {
  readonly version: string
  readonly running: boolean
  /** Absent when the node is not running. */
  readonly endpoint?: string
  /** The node's default Region. */
  readonly region?: string
  /** The certificate of the node's own CA, where its endpoint uses one. */
  readonly caFile?: string
  readonly dataFolder: string
  readonly store: {
    readonly kind: string
    readonly location: string
    readonly schemaVersion: number
    readonly epoch: number
  }
  readonly seal: { readonly kind: string; readonly rootKeyId: string; readonly location?: string }
  readonly domainKeyId: string
  readonly accounts: number
  readonly audit: {
    readonly folder: string
    readonly segments: number
    readonly lastSequence: number
    readonly durable: boolean
    /** Why a start would refuse the log; absent when nothing was found wrong. Only looked for when no node runs. */
    readonly damage?: string
  }
  /** Where the head of the audit log is anchored. Only of a node that runs. */
  readonly anchors?: readonly {
    readonly target: string
    /** ISO 8601; absent before the first since the start. */
    readonly lastAt?: string
    /** Why the last attempt failed; absent once one succeeds. */
    readonly failure?: string
  }[]
  /** Where the audit trail is copied to. Only of a node that runs. */
  readonly shipping?: readonly {
    readonly destination: string
    /** Since everything had last been copied. */
    readonly behindSeconds: number
    /** Why the last attempt failed; absent once one succeeds. */
    readonly failure?: string
  }[]
}
