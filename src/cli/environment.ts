import type { Command, Option } from 'commander'
import { InvalidArgumentError } from 'commander'
import { UsageError } from './failures.ts'

/** `--tls-cert` is also `STRONGROOM_TLS_CERT`. */
export const environmentName = (option: Option): string =>
  `STRONGROOM_${option.name().toUpperCase().replaceAll('-', '_')}`

/**
 * Fills what the command line did not say from the environment. A flag wins over its variable, the
 * variable over the default; an empty variable counts as unset, as container files write it.
 *
 * Commander's own `.env()` is not used: it takes any value of a switch's variable, `0` and `false`
 * included, for yes, and `STRONGROOM_ALLOW_PLAIN_HTTP=false` must not mean its opposite.
 * @throws {UsageError} naming the variable, never its value
 */
export function applyEnvironment(
  command: Command,
  env: Readonly<Record<string, string | undefined>>,
): void {
  for (const option of command.options) {
    if (command.getOptionValueSource(option.attributeName()) === 'cli') continue
    const name = environmentName(option)
    const text = env[name]
    if (text === undefined || text === '') continue
    const value = option.isBoolean() ? parseSwitch(name, text) : parseValue(name, option, text)
    command.setOptionValueWithSource(option.attributeName(), value, 'env')
  }
}

function parseValue(name: string, option: Option, text: string): unknown {
  try {
    return option.parseArg === undefined ? text : option.parseArg<unknown>(text, undefined)
  } catch (error) {
    if (error instanceof InvalidArgumentError) throw new UsageError(`${name} ${error.message}`)
    throw error
  }
}

function parseSwitch(name: string, text: string): boolean {
  if (['1', 'true', 'yes', 'on'].includes(text.toLowerCase())) return true
  if (['0', 'false', 'no', 'off'].includes(text.toLowerCase())) return false
  throw new UsageError(`${name} must be true or false`)
}
