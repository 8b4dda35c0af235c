import { resolve } from 'node:path'
import type { ShippingOptions } from '../../cli/program.ts'
import { OperatorError } from '../../core/errors.ts'
import { parseRegion } from '../../core/regions.ts'
import type { ShipDestination } from '../../outbound/shipping/destination.ts'
import { folderDestination } from '../../outbound/shipping/folder-destination.ts'
import { S3Destination } from '../../outbound/shipping/s3-destination.ts'
import { machineClock } from '../clocks.ts'
import { chooseCredentials, type Environment } from './aws-credentials.ts'
import { assertWebUrl } from './web-url.ts'

/** Where AWS's own store is, where no other is named. */
const AWS_REGION_DEFAULT = 'us-east-1'
const S3_PLACE = /^s3:\/\/(\*|[a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/([\w.-]+(?:\/[\w.-]+)*))?\/?$/

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
  const credentials = chooseCredentials(options.credentialsFile, env, {
    what: '--ship-to s3:',
    flag: '--ship-credentials-file',
  })
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
