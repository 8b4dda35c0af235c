import { ServiceError } from '../../core/errors.ts'
import type { Tags } from '../../core/identity.ts'
import type { IamScope } from './iam-operation.ts'
import type { Tag } from './model.ts'
import { type Page, type PageRequest, pageOfItemsByNumber } from './paging.ts'
import { TAGS_PER_ENTITY } from './quotas.ts'
import { invalidInput } from './refusals.ts'

/** Keys of IAM's tags are the same whatever their case. */
const sameKey = (key: string): string => key.toLowerCase()

/** @throws ServiceError InvalidInputException for keys that come twice or are AWS's own */
function assertTagKeys(keys: readonly string[]): void {
  if (new Set(keys.map(sameKey)).size < keys.length) {
    throw invalidInput('Duplicate tag keys found. Please note that Tag keys are case insensitive.')
  }
  if (keys.some((key) => sameKey(key).startsWith('aws:'))) {
    throw invalidInput('Tag keys beginning with aws: are reserved.')
  }
}

/** The tags of an entity after `tags` were put on it. @throws ServiceError InvalidInputException, LimitExceededException */
export function withTags(present: Tags, tags: readonly Tag[] = []): Tags {
  assertTagKeys(tags.map(({ Key: key }) => key))
  const given = new Set(tags.map(({ Key: key }) => sameKey(key)))
  const kept = Object.entries(present).filter(([key]) => !given.has(sameKey(key)))
  const merged = [
    ...kept,
    ...tags.map(({ Key: key, Value: value }): [string, string] => [key, value]),
  ]
  if (merged.length > TAGS_PER_ENTITY) {
    throw new ServiceError(
      'LimitExceededException',
      'The number of tags has reached the maximum limit.',
    )
  }
  return Object.fromEntries(merged)
}

export function withoutTags(present: Tags, keys: readonly string[]): Tags {
  const dropped = new Set(keys.map(sameKey))
  return Object.fromEntries(Object.entries(present).filter(([key]) => !dropped.has(sameKey(key))))
}

/** Tags as replies have them. */
export const shownTags = (tags: Tags): readonly Tag[] =>
  Object.entries(tags).map(([Key, Value]) => ({ Key, Value }))

/** As replies have them that leave out what there is none of. */
export const shownTagsIfAny = (tags: Tags): { readonly Tags?: readonly Tag[] } =>
  Object.keys(tags).length === 0 ? {} : { Tags: shownTags(tags) }

/** The tags that a request gives, as conditions look at them. */
export const givenTags = (tags: readonly Tag[] | undefined): Tags | undefined =>
  tags && Object.fromEntries(tags.map(({ Key, Value }) => [Key, Value]))

/** A page of the tags of one entity, by key. */
export async function pageOfTags(
  scope: IamScope,
  arn: string,
  tags: Tags,
  request: PageRequest,
): Promise<{ readonly Tags: readonly Tag[] } & Page<Tag>['next']> {
  const sorted = shownTags(tags).toSorted((one, other) => (one.Key < other.Key ? -1 : 1))
  // A key may have more bytes than a marker: the position is a number.
  const page = await pageOfItemsByNumber(scope, sorted, request, arn)
  return { Tags: page.items, ...page.next }
}
