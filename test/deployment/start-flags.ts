import { environmentName } from '../../src/cli/environment.ts'
import { startOptions } from '../../src/cli/options.ts'

const options = startOptions()

/** The variables of the flags of `strongroom start`. */
export const START_VARIABLES: ReadonlySet<string> = new Set(options.map(environmentName))

/** What is wrong with arguments behind `strongroom start`: flags that are not there, values that are missing or refused. */
export function checkStartArguments(args: readonly string[]): readonly string[] {
  const problems: string[] = []
  for (let at = 0; at < args.length; at++) {
    const flag = args[at] ?? ''
    const option = options.find(({ long }) => long === flag)
    if (option === undefined) problems.push(`strongroom start has no ${flag}`)
    else if (option.required) {
      at += 1
      problems.push(...refusalOf(flag, args[at], option.parseArg))
    }
  }
  return problems
}

/** The same for one variable: `STRONGROOM_PORT`. */
export function checkStartVariable(name: string, value: string): readonly string[] {
  const option = options.find((candidate) => environmentName(candidate) === name)
  if (option === undefined) return [`strongroom start has no flag for ${name}`]
  if (option.isBoolean()) {
    return ['true', 'false'].includes(value) ? [] : [`${name} is a switch: ${value}`]
  }
  return refusalOf(name, value, option.parseArg)
}

function refusalOf(
  name: string,
  value: string | undefined,
  parse: ((text: string, earlier: undefined) => unknown) | undefined,
): readonly string[] {
  if (value === undefined || value.startsWith('--')) return [`${name} has no value`]
  try {
    parse?.(value, undefined)
    return []
  } catch (error) {
    return [`${name} ${value}: ${error instanceof Error ? error.message : String(error)}`]
  }
}
