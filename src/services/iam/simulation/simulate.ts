import { parseArn, rootArn } from '../../../core/arn.ts'
import { parseIdentityArn, roleArn, userArn } from '../../../core/identity-arns.ts'
import { type AccountId, parseAccountId } from '../../../core/ids.ts'
import type { Principal } from '../../../core/principal.ts'
import { findRole, findUser } from '../../../identity/principal-ids.ts'
import type { Home, IamScope } from '../iam-operation.ts'
import type { Inputs, Outputs } from '../model.ts'
import { pageOfNumbered } from '../paging.ts'
import { invalidInput } from '../refusals.ts'
import { givenPolicies } from './policy-sources.ts'
import { contextOf, type SimulatedPolicies, Simulator } from './simulator.ts'

type Input = Omit<Inputs['SimulateCustomPolicy'], 'PolicyInputList'>

/** Somebody without tags or sessions: what conditions look at comes with the request. */
const simulatedPrincipal = (
  { partition }: Home,
  who: Pick<Principal, 'type' | 'accountId' | 'arn' | 'uniqueId'>,
): Principal => ({ ...who, partition, principalArn: who.arn, userId: who.uniqueId, tags: {} })

/** The caller that the request names, by whose ARN and id policies of resources know it. */
async function callerOf(scope: IamScope, arn: string | undefined): Promise<Principal> {
  const { home, records } = scope
  const { accountId, partition } = home
  const nobody = {
    type: 'User',
    accountId,
    arn: rootArn(partition, accountId),
    uniqueId: '',
  } as const
  if (arn === undefined) return simulatedPrincipal(home, nobody)
  const ref = parseIdentityArn(arn, partition)
  if (ref?.kind === 'user') {
    const user = (await findUser(records, ref.accountId, ref.name))?.record
    const isSame = user !== undefined && userArn(partition, user) === arn
    const uniqueId = isSame ? user.userId : ''
    return simulatedPrincipal(home, { type: 'User', accountId: ref.accountId, arn, uniqueId })
  }
  if (ref?.kind === 'role') {
    const role = (await findRole(records, ref.accountId, ref.name))?.record
    const isSame = role !== undefined && roleArn(partition, role) === arn
    const uniqueId = isSame ? role.roleId : ''
    return simulatedPrincipal(home, {
      type: 'AssumedRole',
      accountId: ref.accountId,
      arn,
      uniqueId,
    })
  }
  throw invalidInput(`Invalid caller ARN: ${arn}. It takes the ARN of a user or a role.`)
}

/** Whose the resources are: as the request says, or as the first one's ARN does. */
function ownerOf(input: Input, { accountId }: Home): AccountId {
  const given = input.ResourceOwner
  if (given === undefined) return parseArn(input.ResourceArns?.[0] ?? '')?.accountId ?? accountId
  const owner = parseAccountId(given) ?? parseArn(given)?.accountId
  if (owner === undefined) throw invalidInput(`Invalid resource owner: ${given}`)
  return owner
}

const ACTION = /^[A-Za-z0-9-]+:[A-Za-z0-9]+$/

function assertActions(actions: readonly string[]): void {
  const wrong = actions.find((action) => !ACTION.test(action))
  if (wrong !== undefined) throw invalidInput(`Invalid action name: ${wrong}`)
}

/**
 * Decides on every action with every resource, page by page.
 * @param caller who calls where the request does not say
 * @throws ServiceError InvalidInputException
 */
export async function simulate(
  input: Input,
  scope: IamScope,
  given: Omit<SimulatedPolicies, 'resource'> & { readonly caller?: string | undefined },
): Promise<Outputs['SimulateCustomPolicy']> {
  const { ActionNames: actions, ResourceArns: arns = ['*'] } = input
  assertActions(actions)
  const resources = arns.length === 0 ? ['*'] : arns
  const policyTexts = input.ResourcePolicy === undefined ? [] : [input.ResourcePolicy]
  const resource = givenPolicies('ResourcePolicy', policyTexts, 'key')
  const simulator = new Simulator(
    { ...given, resource },
    {
      principal: await callerOf(scope, input.CallerArn ?? given.caller),
      resourceAccount: resource.length === 0 ? scope.home.accountId : ownerOf(input, scope.home),
      context: contextOf(input.ContextEntries),
    },
  )
  const itemAt = (at: number) => {
    const action = actions[Math.floor(at / resources.length)] ?? ''
    return simulator.evaluate(action, resources[at % resources.length] ?? '*')
  }
  const total = actions.length * resources.length
  const filter = JSON.stringify([actions, resources])
  const page = await pageOfNumbered(scope, { total, itemAt }, input, filter)
  return { EvaluationResults: page.items, ...page.next }
}
