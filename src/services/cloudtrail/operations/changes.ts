import type { AnyOperation } from '../../../pipeline/operation.ts'
import { type CloudTrailScope, defineOperation } from '../cloudtrail-operation.ts'
import type { Inputs, OperationName } from '../model.ts'
import { trailIsFixed } from '../refusals.ts'
import { type NamedTrail, nameTrail, trailPermission } from '../trails.ts'

/** Operations that change trails, which here nobody can: they are recorded, decided and refused. */
function refuseChange<Name extends OperationName>(
  name: Name,
  trailsOf: (input: Inputs[Name]) => readonly string[],
): AnyOperation {
  return defineOperation<Name, readonly NamedTrail[]>({
    name,
    isChange: true,
    resolve: (input, { call, homeRegion }: CloudTrailScope) =>
      trailsOf(input).map((trail) => nameTrail(trail, call, homeRegion)),
    permissions: (_input, named, { call }) =>
      named.map(({ arn }) => trailPermission(`cloudtrail:${name}`, arn, call)),
    handle() {
      throw trailIsFixed()
    },
  })
}

const one = (name: string | undefined): readonly string[] => (name === undefined ? [] : [name])

export const CHANGES = {
  AddTags: refuseChange('AddTags', ({ ResourceId }) => [ResourceId]),
  CreateTrail: refuseChange('CreateTrail', ({ Name }) => [Name]),
  DeleteTrail: refuseChange('DeleteTrail', ({ Name }) => [Name]),
  PutEventSelectors: refuseChange('PutEventSelectors', ({ TrailName }) => [TrailName]),
  PutInsightSelectors: refuseChange('PutInsightSelectors', ({ TrailName }) => one(TrailName)),
  RemoveTags: refuseChange('RemoveTags', ({ ResourceId }) => [ResourceId]),
  StartLogging: refuseChange('StartLogging', ({ Name }) => [Name]),
  StopLogging: refuseChange('StopLogging', ({ Name }) => [Name]),
  UpdateTrail: refuseChange('UpdateTrail', ({ Name }) => [Name]),
} as const
