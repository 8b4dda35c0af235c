import { createHash } from 'node:crypto'
import { DependencyError } from '../../core/errors.ts'
import type { Region } from '../../core/ids.ts'
import type { Clock } from '../../core/ports.ts'
import { isJsonObject } from '../../core/strict-json.ts'
import { type SigningCredentials, signedHeaders } from '../../protocol/sigv4-sign.ts'
import { type Answer, HttpSender } from '../http-sender.ts'
import { withMembers } from './anchor.ts'
import type { AnchorTarget } from './anchor-target.ts'

export interface KmsTargetOptions {
  readonly name: string
  /** Of another Strongroom, or of AWS KMS. */
  readonly endpoint: URL
  readonly region: Region
  /** The ARN of a key there that signs. */
  readonly keyArn: string
  readonly signingAlgorithm: string
  /** Asked before every request. */
  readonly credentials: () => SigningCredentials
  readonly machine: Clock
  /** Keeps the lines with their countersignatures. */
  readonly kept: AnchorTarget
}

/**
 * Has each anchor signed by a key of another KMS, whose audit log then has a record of it, and keeps the signature with
 * the anchor.
 */
export class KmsTarget implements AnchorTarget {
  readonly name: string
  readonly #options: KmsTargetOptions
  readonly #sender = new HttpSender()

  constructor(options: KmsTargetOptions) {
    this.name = options.name
    this.#options = options
  }

  async put(line: string, signal: AbortSignal): Promise<void> {
    const { keyArn, signingAlgorithm, kept } = this.#options
    const digest = createHash('sha256').update(line).digest('base64')
    const answer = await this.#sign(digest, signal)
    const signature = signatureOf(answer)
    if (signature === undefined) throw refused(answer)
    const requestId = answer.headers['x-amzn-requestid']
    const countersignature = { keyArn, signingAlgorithm, requestId, signature }
    await kept.put(withMembers(line, { countersignature }), signal)
  }

  close(): Promise<void> {
    this.#sender.close()
    return this.#options.kept.close()
  }

  #sign(digest: string, signal: AbortSignal): Promise<Answer> {
    const { endpoint, region, keyArn, signingAlgorithm, credentials, machine } = this.#options
    const body = Buffer.from(
      JSON.stringify({
        KeyId: keyArn,
        Message: digest,
        MessageType: 'DIGEST',
        SigningAlgorithm: signingAlgorithm,
      }),
    )
    const request = {
      method: 'POST',
      url: endpoint,
      headers: {
        'content-type': 'application/x-amz-json-1.1',
        'x-amz-target': 'TrentService.Sign',
      },
      body,
      region,
      service: 'kms',
      pathStyle: 'normalized',
      time: machine.now(),
    } as const
    const headers = signedHeaders(request, credentials())
    return this.#sender.send({ method: 'POST', url: endpoint, headers, body, signal })
  }
}

function membersOf(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text)
    return isJsonObject(value) ? value : {}
  } catch {
    return {}
  }
}

function signatureOf({ status, body }: Answer): string | undefined {
  const signature = membersOf(body)['Signature']
  return status === 200 && typeof signature === 'string' ? signature : undefined
}

/** `it answered 400 AccessDeniedException`; nothing else of what was said. */
function refused({ status, body }: Answer): DependencyError {
  const type = membersOf(body)['__type']
  const code = typeof type === 'string' ? /(?:^|#)(\w{1,64})$/.exec(type)?.[1] : undefined
  return new DependencyError(`it answered ${status}${code === undefined ? '' : ` ${code}`}`)
}
