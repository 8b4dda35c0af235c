import { createSecretKey, type KeyObject } from 'node:crypto'
import { type AccessKeyId, type AccountId, parseAccessKeyId, parseAccountId } from '../core/ids.ts'
import type { Clock } from '../core/ports.ts'
import { rootPrincipal } from '../core/principal.ts'
import type { Records, Stored } from '../core/records.ts'
import { type Partition, partitionOf } from '../core/regions.ts'
import { CREDENTIALS, type Credential } from '../core/tables.ts'
import type { HttpRequest } from '../core/transport.ts'
import type { Caller } from '../pipeline/call.ts'
import type { Authenticate, Identity, Service } from '../pipeline/service.ts'
import { type Signature, SignatureParser, verifySignature } from '../protocol/sigv4.ts'
import { signatureDiffers, unrecognizedClient } from '../protocol/sigv4-errors.ts'
import { SigningKeys } from '../protocol/sigv4-keys.ts'

export interface AuthenticationParts {
  readonly records: Records
  /** The machine's own clock, never a moved one. */
  readonly machine: Clock
  /** The account of access key ids that were never issued and name none: only where any secret is accepted. */
  readonly openAccount: AccountId | undefined
}

/** What a cached credential record carries along: it lives exactly as long as the record is cached. */
interface KnownCredential {
  readonly keys: SigningKeys
  readonly callers: Map<Partition, Caller>
}

/** The root principal of an account, calling with an access key. */
function rootCaller(accountId: AccountId, accessKeyId: AccessKeyId, partition: Partition): Caller {
  const principal = rootPrincipal(partition, accountId)
  const { arn } = principal
  const userIdentity = { type: 'Root', principalId: accountId, arn, accountId, accessKeyId }
  return {
    accountId,
    principal,
    arn,
    userId: accountId,
    accessKeyId,
    userIdentityJson: JSON.stringify(userIdentity),
  }
}

/** Verifies signatures against the credentials in the store. */
export class Authenticator {
  readonly #parts: AuthenticationParts
  readonly #parser = new SignatureParser()
  readonly #known = new WeakMap<Stored<Credential>, KnownCredential>()
  /** Unknown ids are verified against this, so that they cost what known ones cost. */
  readonly #dummyKey: KeyObject

  constructor(parts: AuthenticationParts, dummySecret: Uint8Array) {
    this.#parts = parts
    this.#dummyKey = createSecretKey(dummySecret)
  }

  // Not async: a credential that is at hand costs no promise.
  readonly authenticate: Authenticate = (request, service) => {
    const signature = this.#parse(request, service)
    const accessKeyId = parseAccessKeyId(signature.accessKeyId)
    if (accessKeyId === undefined) return this.#admitUnknown(signature, undefined)
    const known = this.#parts.records.peek(CREDENTIALS, [accessKeyId])
    return known === undefined
      ? this.#lookUp(signature, accessKeyId)
      : this.#verify(signature, known)
  }

  async #lookUp(signature: Signature, accessKeyId: AccessKeyId): Promise<Identity> {
    const stored = await this.#parts.records.find(CREDENTIALS, [accessKeyId])
    return stored === undefined
      ? this.#admitUnknown(signature, accessKeyId)
      : this.#verify(signature, stored)
  }

  #parse(request: HttpRequest, service: Service): Signature {
    return this.#parser.parse(request, { now: this.#parts.machine.now(), service: service.name })
  }

  /** @throws ServiceError UnrecognizedClientException, InvalidSignatureException */
  #verify(signature: Signature, stored: Stored<Credential>): Identity {
    const known = this.#knownOf(stored)
    const isGenuine = verifySignature(signature, known.keys.get(signature))
    // A long-term credential has no session token; a deleted one is told apart from an unknown one by nothing.
    if (stored.record.status !== 'Active' || signature.sessionToken !== undefined) {
      throw unrecognizedClient()
    }
    if (!isGenuine) throw signatureDiffers()
    const partition = partitionOf(signature.region)
    let caller = known.callers.get(partition)
    if (caller === undefined) {
      const { accountId, accessKeyId } = stored.record
      caller = rootCaller(accountId, accessKeyId, partition)
      known.callers.set(partition, caller)
    }
    return { caller, region: signature.region }
  }

  /** @throws ServiceError UnrecognizedClientException unless any secret is accepted here */
  #admitUnknown(signature: Signature, accessKeyId: AccessKeyId | undefined): Identity {
    const { openAccount } = this.#parts
    if (openAccount === undefined || accessKeyId === undefined) {
      verifySignature(signature, this.#dummyKey)
      throw unrecognizedClient()
    }
    const accountId = parseAccountId(accessKeyId) ?? openAccount
    const caller = rootCaller(accountId, accessKeyId, partitionOf(signature.region))
    return { caller, region: signature.region }
  }

  #knownOf(stored: Stored<Credential>): KnownCredential {
    const known = this.#known.get(stored)
    if (known !== undefined) return known
    const { records } = this.#parts
    const keys = new SigningKeys(() => records.unwrap(CREDENTIALS, stored))
    const made = { keys, callers: new Map<Partition, Caller>() }
    this.#known.set(stored, made)
    return made
  }
}
