import { randomBytes } from 'node:crypto'
import { chmod, lstat, mkdir, rename, rm, rmdir } from 'node:fs/promises'
import { connect } from 'node:net'
import { basename, dirname, join } from 'node:path'
import { OperatorError } from '../../core/errors.ts'
import { openFolder, type ShortFolder } from '../short-folder.ts'
import { listenOnPath, systemCodeOf } from './http-listen.ts'
import { HttpServer, type HttpServing } from './http-server.ts'

/** Bytes of a socket's path, without its final zero, that every supported system takes. Source: sys/un.h. */
const PATH_BYTES_MAX = 103
/** How long a program behind an existing socket may take to be noticed. */
const PROBE_TIMEOUT_MS = 2000
const OWNER_ONLY = 0o600

export interface UnixSocketOptions extends HttpServing {
  /** Where the socket appears, readable and writable by its owner alone. */
  readonly path: string
}

export interface UnixSocketTransport {
  readonly path: string
  /** As `HttpTransport.close`; removes the socket file, too. */
  close(graceMs: number): Promise<void>
}

/**
 * Serves HTTP on a UNIX socket of mode 0600. A socket file whose program is gone is replaced.
 *
 * The socket is bound inside a new folder that only the owner may enter and then renamed to its
 * place: at no moment is it there with wider permissions, or there and not listening.
 * @throws {OperatorError} when another program serves the path, or it cannot be used.
 */
export async function openUnixSocketTransport(
  options: UnixSocketOptions,
): Promise<UnixSocketTransport> {
  const { path } = options
  const folder = await openFolder(dirname(path))
  const server = new HttpServer(options)
  try {
    await makeWay(path, folder)
    const inode = await bind(server, path, folder)
    return { path, close: (graceMs) => closeAndRemove(server, graceMs, path, inode) }
  } catch (cause) {
    server.abandon()
    if (cause instanceof OperatorError) throw cause
    throw new OperatorError(`cannot open the socket ${path}`, undefined, { cause })
  } finally {
    await folder.handle?.close()
  }
}

/** Removes nothing but makes sure that nobody serves the path, and that it is no other kind of file. */
async function makeWay(path: string, folder: ShortFolder): Promise<void> {
  const there = await lstat(path).catch(() => undefined)
  if (there === undefined) return
  if (!there.isSocket()) {
    throw new OperatorError(`${path} exists and is not a socket`, 'Move it away.')
  }
  if (await isServed(join(folder.name, basename(path)))) {
    throw new OperatorError(
      `another program serves ${path}`,
      'Is another node running on this data folder?',
    )
  }
}

function isServed(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect({ path })
    const conclude = (served: boolean) => {
      probe.destroy()
      resolve(served)
    }
    // A program that does not answer still holds the socket; only a refusal proves that none does.
    probe.setTimeout(PROBE_TIMEOUT_MS, () => conclude(true))
    probe.once('connect', () => conclude(true))
    probe.once('error', (cause) => {
      const code = systemCodeOf(cause)
      conclude(code !== 'ECONNREFUSED' && code !== 'ENOENT')
    })
  })
}

/** Gives the inode of the socket, by which its file is known again. */
async function bind(server: HttpServer, path: string, folder: ShortFolder): Promise<number> {
  const nest = join(folder.name, `.${randomBytes(6).toString('hex')}`)
  const born = join(nest, 's')
  if (Buffer.byteLength(born) > PATH_BYTES_MAX) {
    throw new OperatorError(
      `the path of the socket ${path} is too long for this system`,
      `Choose a folder with at most ${PATH_BYTES_MAX - 20} bytes in its name with --data.`,
    )
  }
  await mkdir(nest, { mode: 0o700 })
  try {
    await listenOnPath(server.listener, born)
    await chmod(born, OWNER_ONLY)
    const { ino } = await lstat(born)
    await rename(born, path)
    return ino
  } finally {
    await rm(born, { force: true })
    await rmdir(nest)
  }
}

async function closeAndRemove(
  server: HttpServer,
  graceMs: number,
  path: string,
  inode: number,
): Promise<void> {
  const closed = server.close(graceMs)
  const there = await lstat(path).catch(() => undefined)
  // Another node may have taken the place since: its socket is left alone.
  if (there?.ino === inode) await rm(path, { force: true })
  await closed
}
