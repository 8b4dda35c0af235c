import { DependencyError } from '../../core/errors.ts'
import { AppendedFile } from '../appended-file.ts'
import type { BridgeEvent } from './bridge-event.ts'
import type { EventSink } from './event-sink.ts'

/** Appends events to a file, one JSON document a line, in the order of the audit log. */
export function fileSink(name: string, path: string): EventSink {
  const file = new AppendedFile(path, { torn: 'end' })
  return {
    name,
    perKey: false,
    async deliver(events) {
      await file.append(events.map(({ text }) => text)).catch(async (cause: unknown) => {
        // Half a line may stand there: opened again, it is ended before the next one.
        await file.close().catch(() => undefined)
        const code = cause instanceof Error && 'code' in cause ? `: ${String(cause.code)}` : ''
        throw new DependencyError(`the file cannot be written${code}`, { cause })
      })
    },
    close: () => file.close(),
  }
}

/** Writes events as lines to a stream that somebody else owns. */
export function streamSink(name: string, write: (text: string) => Promise<boolean>): EventSink {
  return {
    name,
    perKey: false,
    async deliver(events: readonly BridgeEvent[]) {
      const isTaken = await write(events.map(({ text }) => `${text}\n`).join(''))
      if (!isTaken) throw new DependencyError('nobody reads it any more')
    },
    close: () => Promise.resolve(),
  }
}
