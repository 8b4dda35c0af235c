import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { OperatorError } from '../core/errors.ts'
import type { Random } from '../core/ports.ts'

/** Where the files of one node are. Everything in the folder is its owner's alone. */
export interface NodeFolder {
  readonly path: string
  readonly storeFile: string
  readonly keyfile: string
  readonly auditFolder: string
  readonly credentialsFile: string
  readonly operatorSocket: string
  readonly nodeIdFile: string
  readonly caFile: string
}

/** The places of a node's files; nothing is made yet. */
export function nodeFolder(options: {
  readonly dataFolder: string
  readonly store: string | undefined
  readonly keyfile: string | undefined
}): NodeFolder {
  const path = resolve(options.dataFolder)
  if (options.store !== undefined && /^[a-z]+:\/\//.test(options.store)) {
    throw new OperatorError(
      `the store ${options.store.replace(/\/\/.*@/, '//…@')} is not supported`,
      'name a file with --store, or leave it out',
    )
  }
  return {
    path,
    storeFile: resolve(options.store ?? join(path, 'strongroom.db')),
    keyfile: resolve(options.keyfile ?? join(path, 'root.key')),
    auditFolder: join(path, 'audit'),
    credentialsFile: join(path, 'root-credentials'),
    operatorSocket: join(path, 'operator.sock'),
    nodeIdFile: join(path, 'node-id'),
    caFile: join(path, 'ca.pem'),
  }
}

/** Makes the folder, for its owner alone. @throws OperatorError */
export function makeFolder(folder: NodeFolder): void {
  try {
    mkdirSync(folder.path, { recursive: true, mode: 0o700 })
  } catch (cause) {
    throw new OperatorError(
      `the data folder ${folder.path} cannot be made`,
      'choose another with --data',
      { cause },
    )
  }
}

const NODE_ID = /^[0-9a-f-]{36}$/

/** The id of the node that the folder belongs to; drawn the first time. @throws OperatorError */
export function nodeIdOf(folder: NodeFolder, random: Random): string {
  const drawn = random.uuid()
  try {
    writeFileSync(folder.nodeIdFile, `${drawn}\n`, { flag: 'wx', mode: 0o600, flush: true })
    return drawn
  } catch (cause) {
    if (!(cause instanceof Error) || !('code' in cause) || cause.code !== 'EEXIST') {
      throw new OperatorError(`the data folder ${folder.path} cannot be written to`, undefined, {
        cause,
      })
    }
  }
  const text = readFileSync(folder.nodeIdFile, 'utf8').trim()
  if (NODE_ID.test(text)) return text
  // What a crash left half-written names no node yet.
  if (text !== '') throw new OperatorError(`${folder.nodeIdFile} does not hold the id of a node`)
  writeFileSync(folder.nodeIdFile, `${drawn}\n`, { mode: 0o600, flush: true })
  return drawn
}
