import { accessSync, existsSync, readdirSync, readFileSync, rmdirSync, rmSync } from 'node:fs'
import type { FolderOptions, SealKind } from '../../cli/program.ts'
import { OperatorError } from '../../core/errors.ts'
import type { IssuedCredential } from '../../core/operator.ts'
import type { Clock, Log, Random } from '../../core/ports.ts'
import { Secret } from '../../core/secret.ts'
import type { HeldSetting, RowStore } from '../../core/store.ts'
import { ACCOUNTS } from '../../core/tables.ts'
import {
  type CommitSetting,
  CUSTODY_SETTING,
  type Custody,
  createCustody,
  openCustody,
} from '../../crypto/custody.ts'
import { parseSetting } from '../../crypto/custody-setting.ts'
import type { Seal } from '../../crypto/seal.ts'
import { keyfileSeal } from '../../crypto/seal-keyfile.ts'
import { passphraseSeal } from '../../crypto/seal-passphrase.ts'
import { sharesSeal } from '../../crypto/seal-shares.ts'
import { type FolderLock, hasLockFile } from '../../storage/folder-lock.ts'
import { type CachedRecordStore, createRecordStore } from '../../storage/record-store.ts'
import {
  TRANSFER_BEGUN,
  TRANSFER_MOVED,
  TRANSFER_RESTORING,
  TRANSFER_SETTING,
} from '../../storage/transfer.ts'
import { systemCodeOf } from '../http/http-listen.ts'
import type { NodeMetrics } from '../monitoring/node-metrics.ts'
import { drawAccountId, drawCredential, storeAccount } from '../operator/accounts.ts'
import { writeCredentialsFile } from '../operator/credentials-file.ts'
import { noShares } from '../sealed/sealed-node.ts'
import { assertNoFile, makeFolder, type NodeFolder, nodeFolder } from './node-folder.ts'
import { nodeIdOf } from './node-id.ts'
import { lockNode } from './node-locks.ts'
import { type NodeStore, type OnLateCommit, openNodeStore } from './node-store.ts'

/** What the operator reads of a node that was away for long. */
const FORGOTTEN =
  'the change feed no longer has all that was changed while this node was away: it has dropped what it had cached'

/** Records held in memory; see `RecordStoreOptions`. */
const CACHE_RECORDS = 50_000

export interface StateParts {
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  /** Absent where nobody can ask for them. */
  readonly metrics?: NodeMetrics | undefined
}

/** A node's folder, opened for this process alone: store, custody, records. */
export interface NodeState {
  readonly folder: NodeFolder
  readonly store: NodeStore
  readonly rows: RowStore
  readonly custody: Custody
  readonly records: CachedRecordStore
  /** The first root credential, when this opening has made the store. */
  readonly firstCredential: IssuedCredential | undefined
  readonly commitSetting: CommitSetting
  /** Resolves when this process can never again serve from the store, with the reason. */
  readonly ended: Promise<Error>
  /** Who is told of late commits from now on. */
  onLateCommit(listener: OnLateCommit): void
  close(): Promise<void>
}

/** The bytes of a passphrase file without the line break at its end. */
function readPassphraseFile(path: string): Secret {
  let bytes: Buffer
  try {
    bytes = readFileSync(path)
  } catch (cause) {
    throw new OperatorError(`the passphrase file ${path} cannot be read`, undefined, { cause })
  }
  let end = bytes.length
  if (bytes[end - 1] === 0x0a) end--
  if (end > 0 && bytes[end - 1] === 0x0d) end--
  const secret = new Secret(Uint8Array.from(bytes.subarray(0, end)))
  bytes.fill(0)
  if (end === 0) throw new OperatorError(`the passphrase file ${path} is empty`)
  return secret
}

/** The seal of a kind, at the place that the options say. */
export function sealOf(
  kind: SealKind,
  options: FolderOptions,
  folder: NodeFolder,
  purpose: 'open' | 'choose',
  { random, log }: StateParts,
): Seal {
  if (kind === 'keyfile') {
    // The file is read more than once in a start; its mode is worth one line.
    const told = new Set<string>()
    return keyfileSeal({
      path: folder.keyfile,
      random,
      onWarning(message) {
        if (!told.has(message)) log.warn({}, message)
        told.add(message)
      },
    })
  }
  if (kind === 'shares') {
    return sharesSeal({
      random,
      quorum: options.quorum,
      handOut: options.showShares ?? nobodySees,
      nextShare: options.readShare ?? noShares,
    })
  }
  const { passphraseFile } = options
  const readPassphrase = async (): Promise<Secret> =>
    passphraseFile === undefined
      ? options.readPassphrase(purpose)
      : readPassphraseFile(passphraseFile)
  return passphraseSeal({ readPassphrase, random })
}

/** A root key whose shares nobody has seen would be lost. */
const nobodySees = (): Promise<never> =>
  Promise.reject(new OperatorError('there is nobody to whom new shares could be shown'))

/** The custody of this process, which follows what other processes do to the keys of the store. */
class HeldCustody implements HeldSetting {
  readonly name = CUSTODY_SETTING
  /** Absent until the store is unsealed: nothing is under it before. */
  custody: Custody | undefined

  take(text: string | undefined): void {
    if (this.custody === undefined) return
    if (text === undefined) throw new OperatorError('the store has lost its keys')
    this.custody.take(text)
  }
}

/** Replaces the custody setting if it is still what it was. */
const settingCommitter =
  (rows: RowStore): CommitSetting =>
  (next, previous) =>
    rows.transaction(async (tx) => {
      if ((await tx.setting(CUSTODY_SETTING)) !== previous) {
        const message = 'another process has changed the keys of the store meanwhile'
        throw new OperatorError(message, 'nothing is lost; do it again')
      }
      await tx.announceSetting(CUSTODY_SETTING, next)
    })

async function unsealStore(
  options: FolderOptions,
  folder: NodeFolder,
  { rows, neighbours }: NodeStore,
  parts: StateParts,
): Promise<Custody> {
  const text = await rows.setting(CUSTODY_SETTING)
  if (text === undefined) {
    const seal = sealOf(options.seal ?? 'keyfile', options, folder, 'choose', parts)
    const custody = await createCustody({ seal, ...parts })
    await rows.transaction(async (tx) => {
      if ((await tx.setting(CUSTODY_SETTING)) !== undefined) {
        throw new OperatorError(
          'another node has set the store up at the same moment',
          'start this one again, with the root key file of that node',
        )
      }
      assertUsable(await tx.setting(TRANSFER_SETTING))
      await tx.setSetting(CUSTODY_SETTING, custody.settingText)
    })
    await custody.settleSeal()
    return custody
  }
  const kind = options.seal ?? parseSetting(text).record.seal.kind
  const custody = await openCustody(text, {
    seal: sealOf(kind, options, folder, 'open', parts),
    ...parts,
  })
  // On a store that is shared another node may be about to commit a root key that is in the file already.
  if (neighbours === undefined) await custody.settleSeal()
  return custody
}

/**
 * Opens custody of a store that another process may be using, to read and never to change. Undefined
 * where the seal is not at hand: a copy without its key file, a passphrase that was not given.
 */
export async function unsealForReading(
  options: FolderOptions,
  folder: NodeFolder,
  rows: RowStore,
  parts: StateParts,
): Promise<Custody | undefined> {
  const text = await rows.setting(CUSTODY_SETTING)
  if (text === undefined) return undefined
  const { kind } = parseSetting(text).record.seal
  const isAtHand =
    (kind === 'keyfile' && existsSync(folder.keyfile)) ||
    (kind === 'passphrase' && options.passphraseFile !== undefined)
  if (!isAtHand) return undefined
  return openCustody(text, { seal: sealOf(kind, options, folder, 'open', parts), ...parts })
}

/** Makes the first account where there is none. The file is written first: a credential that nobody has would lock everybody out. */
async function ensureFirstAccount(
  folder: NodeFolder,
  records: CachedRecordStore,
  parts: StateParts,
): Promise<IssuedCredential | undefined> {
  const [first] = await records.page(ACCOUNTS, { index: 'key', equals: [], limit: 1 })
  if (first !== undefined) return undefined
  const issued = drawCredential(parts.random, drawAccountId(parts.random))
  writeCredentialsFile(folder.credentialsFile, issued)
  await storeAccount({ ...parts, records }, issued, 'first')
  return issued
}

/** Whether the folder holds a store, or opening it is to make one. */
export type Expect = 'existing' | 'any'

/**
 * Opens a node's folder for this process alone.
 * @throws OperatorError when another process has it, the seal does not open, or there is no store and none may be made
 */
export async function openNodeState(
  options: FolderOptions,
  parts: StateParts,
  expect: Expect,
): Promise<NodeState> {
  const folder = nodeFolder(options)
  if (expect === 'existing') assertInitialized(folder)
  const madeFolder = makeFolder(folder)
  const hadStore = folder.database !== undefined || existsSync(folder.storeFile)
  if (!hadStore) assertNoLog(folder)
  const hadLock = hasLockFile(folder.path)
  const isWorker = options.worker !== undefined
  const lock = lockNode(folder, isWorker)
  let store: NodeStore | undefined
  const late = new LateCommits()
  const held = new HeldCustody()
  const ended = Promise.withResolvers<Error>()
  try {
    store = await openNodeStore(folder, () => nodeIdOf(folder, parts.random), {
      clock: parts.clock,
      held,
      log: parts.log,
      isWorker,
      onLateCommit: late.tell,
      onForgotten: () => parts.log.warn({}, FORGOTTEN),
      onEnd: ended.resolve,
      onCommitted: parts.metrics?.observeCommits(),
    })
    const records = await openRecords(options, folder, { lock, store, late, held }, parts)
    return { ...records, ended: ended.promise }
  } catch (error) {
    const isEmpty = !hadStore && (await holdsNothing(store?.rows))
    if (store !== undefined) await leave(store, folder)
    if (isEmpty) removeStore(folder.storeFile)
    if (isEmpty && !hadLock) lock.releaseAndRemove()
    else lock.release()
    if (isEmpty && madeFolder) removeIfEmpty(folder.path)
    throw error
  }
}

/** Closes the store. A folder that has never had an audit log, as that of a command from elsewhere, is no node of it. */
async function leave({ rows, mail }: NodeStore, { auditFolder }: NodeFolder): Promise<void> {
  if (!existsSync(auditFolder)) mail?.leaveForGood()
  await rows.close()
}

/** Whether a store that has just been made is still without the keys that everything else needs. */
async function holdsNothing(rows: RowStore | undefined): Promise<boolean> {
  try {
    return (await rows?.setting(CUSTODY_SETTING)) === undefined
  } catch {
    // Not to be read: then it is not ours to remove either.
    return false
  }
}

const removeStore = (file: string): void => {
  for (const suffix of ['', '-wal', '-shm', '-journal']) rmSync(`${file}${suffix}`, { force: true })
}

/** A key file that a crash or a full disk has cut off may stand in it. */
function removeIfEmpty(folder: string): void {
  if (readdirSync(folder).length === 0) rmdirSync(folder)
}

interface OpenedParts {
  readonly lock: FolderLock
  readonly store: NodeStore
  readonly late: LateCommits
  readonly held: HeldCustody
}

async function openRecords(
  options: FolderOptions,
  folder: NodeFolder,
  { lock, store, late, held }: OpenedParts,
  parts: StateParts,
): Promise<Omit<NodeState, 'ended'>> {
  const { rows } = store
  assertUsable(await rows.setting(TRANSFER_SETTING))
  if (folder.database !== undefined && (await holdsNothing(rows))) assertNoLog(folder)
  const custody = await unsealStore(options, folder, store, parts)
  held.custody = custody
  // Somebody may have been asked for a secret meanwhile. Any transaction takes over what the store has now.
  if (store.neighbours !== undefined) await rows.transaction(() => Promise.resolve())
  const records = createRecordStore({ rows, guard: custody, cacheRecords: CACHE_RECORDS })
  const firstCredential = await ensureFirstAccount(folder, records, parts)
  return {
    folder,
    store,
    rows,
    custody,
    records,
    firstCredential,
    commitSetting: settingCommitter(rows),
    onLateCommit: (listener) => late.listen(listener),
    async close() {
      await leave(store, folder)
      lock.release()
    },
  }
}

/** A store that was moved, or that a transfer has left half filled, is nobody's to serve from. */
function assertUsable(transfer: string | undefined): void {
  if (transfer === TRANSFER_BEGUN) {
    throw new OperatorError(
      'a transfer into this store did not come to its end',
      'drop the schema, run strongroom migrate, and then strongroom migrate-store again',
    )
  }
  if (transfer === TRANSFER_RESTORING) {
    throw new OperatorError(
      'a restore into this store has not come to its end',
      'wait for it; where it was interrupted, drop the schema, run strongroom migrate, and then strongroom restore again',
    )
  }
  if (transfer?.startsWith(TRANSFER_MOVED) === true) {
    throw new OperatorError(
      `this store was ${transfer}`,
      'name that one with --store; strongroom migrate-store moves it back',
    )
  }
}

/** Late commits that come before anybody listens are those of the start: their frames are found in the outbox. */
class LateCommits {
  #listener: OnLateCommit | undefined
  readonly tell: OnLateCommit = (entries) => this.#listener?.(entries)
  listen(listener: OnLateCommit): void {
    this.#listener = listener
  }
}

/** A new store beside an old log could never be served: its keys would not be those of the log. */
function assertNoLog({ storeFile, database, auditFolder }: NodeFolder): void {
  if (!existsSync(auditFolder) || readdirSync(auditFolder).length === 0) return
  throw new OperatorError(
    `there is an audit log in ${auditFolder}, but no store at ${database?.label ?? storeFile}`,
    'put the store back from its backup, or say with --store where it is; to begin anew, move the audit folder away',
  )
}

function assertInitialized(folder: NodeFolder): void {
  assertNoFile(folder)
  if (folder.database !== undefined) return
  try {
    accessSync(folder.storeFile)
  } catch (cause) {
    if (!['ENOENT', 'ENOTDIR'].includes(systemCodeOf(cause))) {
      const hint = 'its folder must belong to the user who runs Strongroom'
      throw new OperatorError(`the store ${folder.storeFile} cannot be opened`, hint, { cause })
    }
    throw new OperatorError(
      `there is no Strongroom store at ${folder.storeFile}`,
      'name the data folder with --data, and with --store a store that is not in it; or make a new one with strongroom init',
      { cause },
    )
  }
}
