import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { ShippingOptions } from '../../cli/program.ts'
import { DependencyError, OperatorError } from '../../core/errors.ts'
import { parseRegion } from '../../core/regions.ts'
import type { ShipDestination } from '../../outbound/shipping/destination.ts'
import { folderDestination } from '../../outbound/shipping/folder-destination.ts'
import { S3Destination } from '../../outbound/shipping/s3-destination.ts'
import type { SigningCredentials } from '../../protocol/sigv4-sign.ts'
import { machineClock } from '../clocks.ts'
import { assertWebUrl } from './web-url.ts'

/** Where AWS's own store is, where no other is named. */
const AWS_REGION_DEFAULT = 'us-east-1'
const S3_PLACE = /^s3:\/\/(\*|[a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/([\w.-]+(?:\/[\w.-]+)*))?\/?$/

type Environment = Readonly<Record<string, string | undefined>>

/** @throws OperatorError where nothing could be shipped, or what is shipped could be read by others */
export function chooseDestinations(
  options: ShippingOptions | undefined,
  { trailFolder, env }: { readonly trailFolder: string; readonly env: Environment },
): readonly ShipDestination[] {
  if (options === undefined) return []
  const destinations = options.to.map((text) =>
    text.startsWith('dir:') ? folderOf(text.slice(4), trailFolder) : storeOf(text, options, env),
  )
  const names = new Set(destinations.map(({ name }) => name))
  if (names.size < destinations.length)
    throw new OperatorError('--ship-to names the same place twice')
  return destinations
}

function folderOf(path: string, trailFolder: string): ShipDestination {
  const folder = resolve(path)
  if (path === '') throw new OperatorError('--ship-to dir: names no folder')
  if (`${folder}/`.startsWith(`${trailFolder}/`)) {
    throw new OperatorError(
      `--ship-to dir:${folder} is the trail's own folder`,
      'name one on another disk',
    )
  }
  return folderDestination(`dir:${folder}`, folder)
}

function storeOf(text: string, options: ShippingOptions, env: Environment): ShipDestination {
  const match = S3_PLACE.exec(text)
  const [, bucket = '', prefix = ''] = match ?? []
  if (match === null || (bucket === '*' && prefix !== '')) {
    throw new OperatorError(
      '--ship-to takes dir:PATH, s3://BUCKET/PREFIX or s3://*',
      's3://* puts the files of each account into a bucket of the name that its digests have',
    )
  }
  const region = parseRegion(options.s3Region ?? env['AWS_REGION'] ?? AWS_REGION_DEFAULT)
  if (region === undefined) throw new OperatorError('the Region of --ship-s3-region is none of AWS')
  const where = options.s3Endpoint ?? `https://s3.${region}.amazonaws.com`
  const endpoint = assertWebUrl('--ship-s3-endpoint', where, {
    isAllowed: options.allowPlainHttp,
    flag: '--ship-allow-plain-http',
  })
  if (endpoint.search !== '') throw new OperatorError('--ship-s3-endpoint takes a URL without ?')
  const credentials = credentialsOf(options.credentialsFile, env)
  try {
    // Once now: what is wrong with them is to be told at the start.
    credentials()
  } catch (error) {
    if (!(error instanceof DependencyError)) throw error
    throw new OperatorError(error.message, undefined, { cause: error })
  }
  return new S3Destination({
    name: `s3:${endpoint.host}${endpoint.pathname === '/' ? '' : endpoint.pathname}/${text.slice(5).replace(/\/$/, '')}`,
    endpoint,
    region,
    bucket: bucket === '*' ? undefined : bucket,
    prefix,
    credentials,
    machine: machineClock,
  })
}

/** Of a file, read again before every request, or of the environment. @throws OperatorError where there are none */
function credentialsOf(file: string | undefined, env: Environment): () => SigningCredentials {
  if (file !== undefined) return () => credentialsInFile(file)
  const accessKeyId = env['AWS_ACCESS_KEY_ID']
  const secretAccessKey = env['AWS_SECRET_ACCESS_KEY']
  if (!accessKeyId || !secretAccessKey) {
    throw new OperatorError(
      'there are no credentials for --ship-to s3:',
      'set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or name a file with --ship-credentials-file',
    )
  }
  const sessionToken = env['AWS_SESSION_TOKEN']
  return () => ({ accessKeyId, secretAccessKey, ...(sessionToken && { sessionToken }) })
}

/** The profile `default` of a file in the AWS shared credentials format. @throws OperatorError, DependencyError */
function credentialsInFile(path: string): SigningCredentials {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (cause) {
    throw new DependencyError(`the credentials file ${path} cannot be read`, { cause })
  }
  const profile = /^\[default\]\s*$([^[]*)/m.exec(text)?.[1] ?? ''
  const valueOf = (name: string): string | undefined =>
    new RegExp(`^${name}\\s*=\\s*(\\S+)\\s*$`, 'm').exec(profile)?.[1]
  const accessKeyId = valueOf('aws_access_key_id')
  const secretAccessKey = valueOf('aws_secret_access_key')
  if (accessKeyId === undefined || secretAccessKey === undefined)
    throw new DependencyError(
      `the credentials file ${path} has no profile default with a key in it`,
    )
  const sessionToken = valueOf('aws_session_token')
  return { accessKeyId, secretAccessKey, ...(sessionToken !== undefined && { sessionToken }) }
}
