import { InvalidArgumentError, Option } from 'commander'
import type { AnchorOptions } from './program.ts'

/** Where the head of the audit log is noted. */
export interface AnchorFlags {
  readonly anchor: readonly string[]
  readonly anchorMinutes: number
  readonly anchorKey?: string
  readonly anchorAlgorithm: string
  readonly anchorCredentialsFile?: string
  readonly anchorAllowPlainHttp: boolean
}

const MINUTES_DEFAULT = 15
const MINUTES_MAX = 1440
const ALGORITHM_DEFAULT = 'ECDSA_SHA_256'

export const anchorOptions = (): readonly Option[] => [
  new Option(
    '--anchor <place>',
    'note here how far the audit log has got: file:PATH, webhook:URL or strongroom:ENDPOINT; may be repeated',
  )
    .default([], 'nowhere')
    .argParser(collectPlaces),
  new Option('--anchor-minutes <number>', 'at least so often, and after each hour')
    .default(MINUTES_DEFAULT)
    .argParser(parseMinutes),
  new Option(
    '--anchor-key <arn>',
    'the key of the other Strongroom that signs what is noted',
  ).argParser(parseText),
  new Option('--anchor-algorithm <name>', 'the signing algorithm of that key, over SHA-256')
    .default(ALGORITHM_DEFAULT)
    .argParser(parseAlgorithm),
  new Option(
    '--anchor-credentials-file <f>',
    'credentials there, in the AWS shared format (default: the environment)',
  ).argParser(parseText),
  new Option('--anchor-allow-plain-http', 'note it by plain HTTP beyond this machine, too').default(
    false,
  ),
]

/** The flags as the program takes them: nothing where no place is named. */
export const anchorsOf = (flags: AnchorFlags): { readonly anchoring?: AnchorOptions } =>
  flags.anchor.length === 0
    ? {}
    : {
        anchoring: {
          to: flags.anchor,
          everyMinutes: flags.anchorMinutes,
          signingAlgorithm: flags.anchorAlgorithm,
          allowPlainHttp: flags.anchorAllowPlainHttp,
          ...(flags.anchorKey !== undefined && { keyArn: flags.anchorKey }),
          ...(flags.anchorCredentialsFile !== undefined && {
            credentialsFile: flags.anchorCredentialsFile,
          }),
        },
      }

/** Several in one text, as an environment variable has them, stand apart by spaces. */
function collectPlaces(text: string, earlier: readonly string[] = []): readonly string[] {
  const places = text.split(/\s+/).filter((place) => place !== '')
  if (places.length === 0 || !places.every((place) => /^(file|webhook|strongroom):./.test(place)))
    throw new InvalidArgumentError('must be file:PATH, webhook:URL or strongroom:ENDPOINT')
  return [...earlier, ...places]
}

function parseMinutes(text: string): number {
  const minutes = /^\d{1,4}$/.test(text) ? Number(text) : 0
  if (minutes < 1 || minutes > MINUTES_MAX)
    throw new InvalidArgumentError(`must be a whole number from 1 to ${MINUTES_MAX}`)
  return minutes
}

function parseAlgorithm(text: string): string {
  if (!/^[A-Z0-9_]{1,40}_SHA_256$/.test(text))
    throw new InvalidArgumentError('must be the name of a signing algorithm over SHA-256')
  return text
}

function parseText(text: string): string {
  if (text === '') throw new InvalidArgumentError('must not be empty')
  return text
}
