import { readFileSync } from 'node:fs'
import type { Log } from '../core/ports.ts'
import { DEFAULT_HTTP_LIMITS } from './http/http-limits.ts'

/** Files of the node's own: store, audit log, index, trail, deliveries. It uses some 50. */
const OWN_FILES = 200
const LIMITS_FILE = '/proc/self/limits'

/** How many files a process may open, as Linux says it in `/proc/<pid>/limits`; undefined where it sets no limit. */
export function openFilesMax(limits: string): number | undefined {
  const [, soft] = /^Max open files\s+(\d+)/m.exec(limits) ?? []
  return soft === undefined ? undefined : Number(soft)
}

/**
 * Warns where connections can use up what the process may open. The system then closes new ones before the node sees
 * them, and nobody would read why.
 */
export function warnOfFewDescriptors(log: Log): void {
  if (process.platform !== 'linux') return
  let limits: string
  try {
    limits = readFileSync(LIMITS_FILE, 'utf8')
  } catch {
    // Without /proc there is nothing to tell.
    return
  }
  const descriptors = openFilesMax(limits)
  if (descriptors === undefined || descriptors >= DEFAULT_HTTP_LIMITS.connectionsMax + OWN_FILES) {
    return
  }
  log.warn(
    { descriptors },
    'this process may open few files: when they are used up, new connections are closed without a word',
  )
}
