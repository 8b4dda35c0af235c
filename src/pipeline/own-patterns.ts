import { ServiceError } from '../core/errors.ts'
import type { StructureShape } from '../core/model.ts'
import { compilePattern } from './constraints.ts'

interface OwnPattern {
  readonly name: string
  readonly regex: RegExp
  readonly message: string
}

const patternsOf = ({ members }: StructureShape): readonly OwnPattern[] =>
  [...members].flatMap(([name, member]) => {
    if (member.type !== 'string') return []
    const { pattern, patternSays } = member
    if (pattern === undefined || patternSays === undefined) return []
    const path = name.charAt(0).toLowerCase() + name.slice(1)
    const message = `The specified value for ${path} is invalid. ${patternSays}`
    return [{ name, regex: compilePattern(pattern), message }]
  })

/**
 * Compiles the patterns for which a service has words of its own. The function it gives takes input that
 * has passed the other constraints, of which only the first that is broken is told.
 * @throws {ServiceError} (the function) ValidationException
 */
export function compileOwnPatterns(shape: StructureShape): (input: object) => void {
  const patterns = patternsOf(shape)
  return (input) => {
    const members = new Map<string, unknown>(patterns.length === 0 ? [] : Object.entries(input))
    for (const { name, regex, message } of patterns) {
      const value = members.get(name)
      if (typeof value === 'string' && !regex.test(value)) {
        throw new ServiceError('ValidationException', message)
      }
    }
  }
}
