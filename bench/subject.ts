import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Region } from '../src/core/ids.ts'
import { runStrongroom, type ServerProcess, startServer } from '../test/support/server-process.ts'
import { fillFolder } from './fill-keys.ts'
import { KmsCaller } from './kms-caller.ts'
import { pinned, type Target } from './measure.ts'
import type { SigningIdentity } from './signer.ts'
import { prepareSubjects } from './subjects.ts'
import { type Subjects, workloadOf } from './workload.ts'

// The cast stands for the parser of Regions: the text has the form.
const REGION = 'eu-central-1' as Region

/** A server under measurement, and what the requests to it are about. */
export interface Subject {
  readonly server: ServerProcess
  readonly target: Target
  readonly identity: SigningIdentity
  readonly subjects: Subjects
  /** An Encrypt reply as it came over the wire: what the yardsticks answer with. */
  readonly encryptReply: string
}

/** Starts a server on a folder of its own, with so many keys in its store, on the core of whoever is measured. */
export async function startSubject(options: {
  readonly folder: string
  readonly keys: number
  readonly isTls?: boolean
  readonly env?: Readonly<Record<string, string>>
}): Promise<Subject> {
  const { folder, keys, isTls = false, env = {} } = options
  const { exitCode, stderr } = await runStrongroom(['init', '--data', folder, '--region', REGION])
  if (exitCode !== 0) throw new Error(stderr)
  await fillFolder(folder, REGION, keys)
  const server = await startServer({
    dataFolder: folder,
    flags: ['--region', REGION, ...(isTls ? ['--tls'] : [])],
    wrapper: pinned.server,
    env,
  })
  const ca = isTls ? readFileSync(join(folder, 'ca.pem'), 'latin1') : undefined
  const port = Number(new URL(server.endpoint).port)
  const identity = { ...server.credentials, region: REGION }
  using kms = new KmsCaller(server.endpoint, identity, 8, ca)
  const subjects = await prepareSubjects(kms)
  const answer = await kms.call('Encrypt', workloadOf('Encrypt').input(0, subjects))
  const head = Object.entries(answer.headers).map(([name, value]) => `${name}: ${String(value)}`)
  return {
    server,
    target: { port, group: server.pid, ca },
    identity,
    subjects,
    encryptReply: `HTTP/1.1 200 OK\r\n${head.join('\r\n')}\r\n\r\n${JSON.stringify(answer.body)}`,
  }
}
