import { readFileSync } from 'node:fs'
import { OperatorError } from '../../core/errors.ts'
import { isJsonObject, parseStrictJson } from '../../core/strict-json.ts'
import { RequestQuotas } from '../../services/kms/quotas/request-quotas.ts'
import { RATE_NAMES } from '../../services/kms/quotas/request-rates.ts'

/** Far above what any machine serves. Unit: calls per second. */
const RATE_MAX = 10_000_000

function readRates(path: string): ReadonlyMap<string, number> {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (cause) {
    throw new OperatorError(
      `the quotas file ${path} cannot be read`,
      'name a file, or say --quotas aws or --quotas off',
      { cause },
    )
  }
  const parsed = parseStrictJson(text)
  const form =
    'it is a JSON object of calls per second, such as {"Encrypt": 100, "DescribeKey": 20}'
  if (!parsed.ok || !isJsonObject(parsed.value)) {
    throw new OperatorError(`the quotas file ${path} is not well-formed`, form)
  }
  const rates = new Map<string, number>()
  for (const [name, rate] of Object.entries(parsed.value)) {
    if (!RATE_NAMES.has(name)) {
      throw new OperatorError(
        `the quotas file ${path} names '${name}', which is neither an operation nor a group of them`,
        'docs/reference/request-quotas.md lists both',
      )
    }
    if (typeof rate !== 'number' || rate <= 0 || rate > RATE_MAX) {
      throw new OperatorError(`the rate of '${name}' in the quotas file ${path} is not right`, form)
    }
    rates.set(name, rate)
  }
  return rates
}

/**
 * The request quotas that `--quotas` asks for: none, AWS's, or AWS's with what a file sets otherwise.
 * @throws OperatorError for a file that cannot be read or is not right
 */
export function chooseQuotas(choice: string | undefined): RequestQuotas | undefined {
  if (choice === undefined || choice === 'off') return undefined
  return new RequestQuotas(choice === 'aws' ? undefined : readRates(choice))
}
