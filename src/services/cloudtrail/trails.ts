import { bucketOf, TRAIL_NAME } from '../../audit/trail/trail-format.ts'
import type { Permission } from '../../authz/permission.ts'
import { parseArn } from '../../core/arn.ts'
import type { AccountId, Region } from '../../core/ids.ts'
import { partitionOf } from '../../core/regions.ts'
import type { Call } from '../../pipeline/call.ts'
import type { Trail } from './model.ts'
import { invalidTrailArn, invalidTrailName, unknownTrail } from './refusals.ts'

/** `arn:aws:cloudtrail:eu-central-1:111122223333:trail/strongroom` */
export const trailArn = (accountId: AccountId, region: Region, name: string = TRAIL_NAME): string =>
  `arn:${partitionOf(region)}:cloudtrail:${region}:${accountId}:trail/${name}`

/** The one trail of an account, as replies describe it. */
export const describeTrail = (accountId: AccountId, homeRegion: Region): Trail => ({
  Name: TRAIL_NAME,
  S3BucketName: bucketOf(accountId),
  IncludeGlobalServiceEvents: true,
  IsMultiRegionTrail: true,
  HomeRegion: homeRegion,
  TrailARN: trailArn(accountId, homeRegion),
  LogFileValidationEnabled: true,
  HasCustomEventSelectors: false,
  HasInsightSelectors: false,
  IsOrganizationTrail: false,
})

/** A trail as a request names it: it need not be there. */
export interface NamedTrail {
  /** As the request has it. */
  readonly given: string
  /** What a permission is asked on. */
  readonly arn: string
  readonly exists: boolean
}

const NAME_MIN = 3
const NAME_MAX = 128
const RESOURCE_PREFIX = 'trail/'

/** Source: AWS CloudTrail User Guide, Naming requirements. @throws ServiceError InvalidTrailNameException */
function assertTrailName(name: string): void {
  const length = `Specified name length: ${name.length} characters.`
  if (name.length < NAME_MIN) {
    throw invalidTrailName(
      `Trail name too short. Minimum allowed length: ${NAME_MIN} characters. ${length}`,
    )
  }
  if (name.length > NAME_MAX) {
    throw invalidTrailName(
      `Trail name too long. Maximum allowed length: ${NAME_MAX} characters. ${length}`,
    )
  }
  if (!/^[A-Za-z0-9]/.test(name)) {
    throw invalidTrailName('Trail name must starts with a letter or number.')
  }
  if (!/[A-Za-z0-9]$/.test(name)) {
    throw invalidTrailName('Trail name must ends with a letter or number.')
  }
  if (!/^[A-Za-z0-9._-]*$/.test(name)) {
    throw invalidTrailName(
      'Trail name or ARN can only contain uppercase letters, lowercase letters, numbers, periods (.), hyphens (-), and underscores (_).',
    )
  }
}

/**
 * What a request names: by ARN from everywhere, by name in the Region that the trail was made in.
 * @throws ServiceError InvalidTrailNameException, CloudTrailARNInvalidException
 */
export function nameTrail(given: string, call: Call, homeRegion: Region): NamedTrail {
  const { accountId, region } = call
  if (given.startsWith('arn:')) {
    const arn = parseArn(given)
    if (arn?.service !== 'cloudtrail' || !arn.resource.startsWith(RESOURCE_PREFIX)) {
      throw invalidTrailArn(given)
    }
    return { given, arn: given, exists: given === trailArn(accountId, homeRegion) }
  }
  assertTrailName(given)
  const exists = given === TRAIL_NAME && region === homeRegion
  return { given, arn: trailArn(accountId, region, given), exists }
}

/** What a caller must be allowed to do with a trail. A name in another account is none of ours. */
export const trailPermission = (action: string, arn: string, { accountId }: Call): Permission => ({
  action,
  resource: { accountId, arn },
})

/** @throws ServiceError TrailNotFoundException */
export function assertExists(trail: NamedTrail, { accountId }: Call): void {
  if (!trail.exists) throw unknownTrail(trail.given, accountId)
}
