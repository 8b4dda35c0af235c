import { DependencyError } from '../../core/errors.ts'
import { AppendedFile } from '../appended-file.ts'
import { HttpSender } from '../http-sender.ts'

/** Somewhere that anchors are kept. */
export interface AnchorTarget {
  /** Free of secrets. */
  readonly name: string
  /**
   * Kept once resolved.
   * @throws {DependencyError} whose message may be shown
   */
  put(line: string, signal: AbortSignal): Promise<void>
  close(): Promise<void>
}

/** A file of anchors, one a line. */
export function fileTarget(name: string, path: string): AnchorTarget {
  const file = new AppendedFile(path, { torn: 'cut' })
  return {
    name,
    async put(line) {
      await file.append([line]).catch(async (cause: unknown) => {
        // Half a line may stand there: opened again, it is cut off.
        await file.close().catch(() => undefined)
        const code = cause instanceof Error && 'code' in cause ? `: ${String(cause.code)}` : ''
        throw new DependencyError(`the file cannot be written${code}`, { cause })
      })
    },
    close: () => file.close(),
  }
}

/** Somebody who is told by HTTP, and keeps what he is told. */
export function webhookTarget(name: string, url: URL): AnchorTarget {
  const sender = new HttpSender()
  return {
    name,
    async put(line, signal) {
      const headers = { 'content-type': 'application/json', 'user-agent': 'strongroom' }
      const body = Buffer.from(line)
      const { status } = await sender.send({ method: 'POST', url, headers, body, signal })
      if (status < 200 || status > 299) throw new DependencyError(`it answered ${status}`)
    },
    close() {
      sender.close()
      return Promise.resolve()
    },
  }
}
