import assert from 'node:assert/strict'
import type { Subject } from './key-subject.ts'
import type { WireClient } from './wire-client.ts'

/** A key id that names nothing. */
export const NO_KEY = '00000000-0000-4000-8000-000000000000'
/** A key of another account, which may or may not exist. */
export const FOREIGN = `arn:aws:kms:eu-central-1:999999999999:key/${NO_KEY}`

export interface Subjects {
  readonly good: Subject
  readonly disabled: Subject
}

/** One thing that is wrong with a request: members that take the place of good ones, and what is told of it. */
export interface Fault {
  readonly stage: string
  readonly change: (subjects: Subjects) => Readonly<Record<string, unknown>>
  readonly code: string
}

/** What one operation says of faulty requests. */
export interface Precedence {
  readonly operation: string
  readonly input: (subjects: Subjects) => Readonly<Record<string, unknown>>
  /** In the order in which they are told. */
  readonly faults: readonly Fault[]
}

export const changing = (stage: string, code: string, change: Record<string, unknown>): Fault => ({
  stage,
  code,
  change: () => change,
})

export const WRONG_TYPE = changing('type', 'SerializationException', {
  EncryptionContext: { a: 1 },
})
export const UNKNOWN_KEY = changing('resolution', 'NotFoundException', { KeyId: 'alias/none' })
export const FOREIGN_KEY = changing('authorization', 'AccessDeniedException', { KeyId: FOREIGN })
export const BAD_TOKEN = changing('grant token', 'InvalidGrantTokenException', {
  GrantTokens: ['dG9rZW4'],
})
export const DISABLED_KEY: Fault = {
  stage: 'state',
  change: ({ disabled }) => ({ KeyId: disabled.id }),
  code: 'DisabledException',
}
export const DRY_RUN = changing('dry run', 'DryRunOperationException', { DryRun: true })

export const titleOf = ({ operation, faults }: Precedence): string =>
  `${operation}: ${faults.map(({ stage }) => stage).join(', ')}`

const overlap = (a: object, b: object): boolean => Object.keys(a).some((name) => name in b)

/** Makes each fault alone, and each together with every later one: the earlier one is told, in the same words. */
export async function assertPrecedence(
  kms: WireClient,
  { operation, input, faults }: Precedence,
  subjects: Subjects,
): Promise<void> {
  for (const [at, first] of faults.entries()) {
    const change = first.change(subjects)
    const alone = await kms.kms(operation, { ...input(subjects), ...change })
    assert.equal(alone.json['__type'], first.code, `${first.stage}: ${alone.text}`)
    for (const second of faults.slice(at + 1)) {
      const other = second.change(subjects)
      // Two values of one member cannot both be sent.
      if (overlap(change, other)) continue
      const answer = await kms.kms(operation, { ...input(subjects), ...change, ...other })
      assert.equal(answer.text, alone.text, `${first.stage} before ${second.stage}`)
    }
  }
}
