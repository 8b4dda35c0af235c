import { join, resolve } from 'node:path'
import type { AnchorOptions } from '../../cli/program.ts'
import { OperatorError } from '../../core/errors.ts'
import { parseRegion } from '../../core/regions.ts'
import {
  type AnchorTarget,
  fileTarget,
  webhookTarget,
} from '../../outbound/anchors/anchor-target.ts'
import { KmsTarget } from '../../outbound/anchors/kms-target.ts'
import { machineClock } from '../clocks.ts'
import { chooseCredentials, type Environment } from './aws-credentials.ts'
import { assertWebUrl } from './web-url.ts'

const MINUTE_MS = 60_000
const KEY_ARN = /^arn:[a-z-]+:kms:([a-z0-9-]+):\d{12}:key\/[\w-]+$/
/** Where anchors stand that another KMS has signed. */
const KEPT_FILE = 'anchors.jsonl'

/** Where the head of the log is noted, and how often at least. */
export interface AnchorChoice {
  readonly targets: readonly AnchorTarget[]
  readonly everyMs: number
}

interface Around {
  readonly dataFolder: string
  readonly env: Environment
}

/** @throws OperatorError where nothing could be anchored */
export function chooseAnchors(options: AnchorOptions | undefined, around: Around): AnchorChoice {
  if (options === undefined) return { targets: [], everyMs: MINUTE_MS }
  const targets = options.to.map((text) => targetOf(text, options, around))
  const names = new Set(targets.map(({ name }) => name))
  if (names.size < targets.length) throw new OperatorError('--anchor names the same place twice')
  return { targets, everyMs: options.everyMinutes * MINUTE_MS }
}

function targetOf(text: string, options: AnchorOptions, around: Around): AnchorTarget {
  const [kind = '', ...rest] = text.split(':')
  const place = rest.join(':')
  const plain = { isAllowed: options.allowPlainHttp, flag: '--anchor-allow-plain-http' }
  if (kind === 'file' && place !== '') {
    const path = resolve(place)
    return fileTarget(`file:${path}`, path)
  }
  if (kind === 'webhook') {
    const url = assertWebUrl('--anchor webhook:', place, plain)
    return webhookTarget(`webhook:${url.origin}${url.pathname}`, url)
  }
  if (kind === 'strongroom') {
    const endpoint = assertWebUrl('--anchor strongroom:', place, plain)
    return kmsOf(endpoint, options, around)
  }
  throw new OperatorError(
    '--anchor takes file:PATH, webhook:URL or strongroom:ENDPOINT',
    'for example --anchor file:/mnt/elsewhere/anchors.jsonl',
  )
}

function kmsOf(endpoint: URL, options: AnchorOptions, { dataFolder, env }: Around): AnchorTarget {
  const { keyArn = '', signingAlgorithm, credentialsFile } = options
  const region = parseRegion(KEY_ARN.exec(keyArn)?.[1] ?? '')
  if (region === undefined) {
    throw new OperatorError(
      '--anchor strongroom: needs a key there that signs',
      'name its ARN with --anchor-key',
    )
  }
  const credentials = chooseCredentials(credentialsFile, env, {
    what: '--anchor strongroom:',
    flag: '--anchor-credentials-file',
  })
  const path = join(resolve(dataFolder), KEPT_FILE)
  return new KmsTarget({
    name: `strongroom:${endpoint.host}`,
    endpoint,
    region,
    keyArn,
    signingAlgorithm,
    credentials,
    machine: machineClock,
    kept: fileTarget(`file:${path}`, path),
  })
}
