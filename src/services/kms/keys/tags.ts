import { ServiceError } from '../../../core/errors.ts'

/** Source: AWS KMS Developer Guide, Tags in AWS KMS: user tags per key. */
export const TAGS_PER_KEY_MAX = 50

interface WireTag {
  readonly TagKey: string
  readonly TagValue: string
}

/** Tag names as they are given in one request: none twice, none reserved. @throws ServiceError TagException */
export function assertTagKeys(tagKeys: readonly string[]): void {
  if (tagKeys.some((tagKey) => tagKey.toLowerCase().startsWith('aws:'))) {
    throw new ServiceError('TagException', 'Tags beginning with aws: are reserved')
  }
  if (new Set(tagKeys).size < tagKeys.length) {
    throw new ServiceError('TagException', 'Duplicate tag keys')
  }
}

/** The tags of a key after `tags` have been added to what it has. @throws ServiceError TagException */
export function withTags(
  present: Readonly<Record<string, string>>,
  tags: readonly WireTag[],
): Readonly<Record<string, string>> {
  assertTagKeys(tags.map((tag) => tag.TagKey))
  const merged = new Map(Object.entries(present))
  for (const { TagKey, TagValue } of tags) merged.set(TagKey, TagValue)
  if (merged.size > TAGS_PER_KEY_MAX) throw new ServiceError('TagException', 'Too many tags')
  return Object.fromEntries(merged)
}

/** Tag key to value, as conditions on the tags of a request see them; undefined where it has none. */
export const tagValues = (
  tags: readonly WireTag[] | undefined,
): Readonly<Record<string, string>> | undefined =>
  tags === undefined || tags.length === 0
    ? undefined
    : Object.fromEntries(tags.map(({ TagKey, TagValue }) => [TagKey, TagValue]))

/** Tags as audit records show them. */
export const auditTags = (tags: readonly WireTag[] | undefined) =>
  tags?.map(({ TagKey, TagValue }) => ({ tagKey: TagKey, tagValue: TagValue }))
