import { globalRegionOf } from '../../core/regions.ts'
import type { IdentityUses } from '../../identity/identity-uses.ts'
import type { Codec } from '../../pipeline/codec.ts'
import type { PageMarkers } from '../../pipeline/page-markers.ts'
import type { Service } from '../../pipeline/service.ts'
import { homeOf, type IamScope } from './iam-operation.ts'
import { IAM_MODEL } from './model.ts'
import { IAM_OPERATIONS } from './operations.ts'

export interface IamParts {
  readonly codec: Codec
  readonly markers: PageMarkers
  readonly uses: IdentityUses
}

/** Identity and Access Management: who there is in an account, and what they may do. */
export const createIam = ({ codec, markers, uses }: IamParts): Service => ({
  name: IAM_MODEL.service,
  eventSource: 'iam.amazonaws.com',
  codec,
  operations: new Map(Object.entries(IAM_OPERATIONS)),
  internalError: 'ServiceFailureException',
  regionOf: globalRegionOf,
  isClosedToUserSessions: true,
  openScope: (scope): IamScope => ({ ...scope, markers, uses, home: homeOf(scope.call) }),
})
