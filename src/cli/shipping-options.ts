import { InvalidArgumentError, Option } from 'commander'
import type { ShippingOptions } from './program.ts'

/** Where copies of the audit trail go. */
export interface ShippingFlags {
  readonly shipTo: readonly string[]
  readonly shipS3Endpoint?: string
  readonly shipS3Region?: string
  readonly shipCredentialsFile?: string
  readonly shipAllowPlainHttp: boolean
}

export const shippingOptions = (): readonly Option[] => [
  new Option(
    '--ship-to <place>',
    "copy the audit trail's files here: dir:PATH, s3://BUCKET/PREFIX or s3://*; may be repeated",
  )
    .default([], 'nowhere')
    .argParser(collectPlaces),
  new Option(
    '--ship-s3-endpoint <url>',
    'the store that speaks the protocol of S3 (default: that of AWS)',
  ).argParser(parseText),
  new Option('--ship-s3-region <name>', 'its Region (default: AWS_REGION, or us-east-1)').argParser(
    parseText,
  ),
  new Option(
    '--ship-credentials-file <f>',
    'its credentials, in the AWS shared format (default: the environment)',
  ).argParser(parseText),
  new Option(
    '--ship-allow-plain-http',
    'ship by plain HTTP beyond this machine, too, where others can read the audit trail',
  ).default(false),
]

/** The flags as the program takes them: nothing where no place is named. */
export const shippingOf = (flags: ShippingFlags): { readonly shipping?: ShippingOptions } =>
  flags.shipTo.length === 0
    ? {}
    : {
        shipping: {
          to: flags.shipTo,
          allowPlainHttp: flags.shipAllowPlainHttp,
          ...(flags.shipS3Endpoint !== undefined && { s3Endpoint: flags.shipS3Endpoint }),
          ...(flags.shipS3Region !== undefined && { s3Region: flags.shipS3Region }),
          ...(flags.shipCredentialsFile !== undefined && {
            credentialsFile: flags.shipCredentialsFile,
          }),
        },
      }

/** Several in one text, as an environment variable has them, stand apart by spaces. */
function collectPlaces(text: string, earlier: readonly string[] = []): readonly string[] {
  const places = text.split(/\s+/).filter((place) => place !== '')
  if (places.length === 0 || !places.every((place) => /^(dir:|s3:\/\/)./.test(place)))
    throw new InvalidArgumentError('must be dir:PATH, s3://BUCKET/PREFIX or s3://*')
  return [...earlier, ...places]
}

function parseText(text: string): string {
  if (text === '') throw new InvalidArgumentError('must not be empty')
  return text
}
