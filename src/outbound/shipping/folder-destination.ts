import { stat } from 'node:fs/promises'
import { diskTrailObjects } from '../../audit/trail/trail-objects-disk.ts'
import { DependencyError } from '../../core/errors.ts'
import type { ShipDestination } from './destination.ts'

/**
 * Ships to a folder, in the layout of the trail's own: `<folder>/<bucket>/<key>`, signatures beside digests in `.sig`. The
 * folder itself must be there: where the disk that it is on is away, nothing is to be written into its empty place.
 */
export function folderDestination(name: string, folder: string): ShipDestination {
  const copies = diskTrailObjects(folder)
  return {
    name,
    async put(accountId, object) {
      try {
        if (!(await stat(folder)).isDirectory()) throw new DependencyError('it is no folder')
        await copies.put(accountId, object)
      } catch (cause) {
        if (cause instanceof DependencyError) throw cause
        const code = cause instanceof Error && 'code' in cause ? `: ${String(cause.code)}` : ''
        throw new DependencyError(`the folder cannot be written${code}`, { cause })
      }
      const copy = await copies.get(accountId, object.key)
      const isWhole =
        copy?.body.equals(object.body) === true &&
        copy.metadata['signature'] === object.metadata['signature']
      if (!isWhole) throw new DependencyError('what was written is not what is there')
    },
    close: () => undefined,
  }
}
