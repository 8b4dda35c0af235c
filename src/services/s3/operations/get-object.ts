import {
  describeObject,
  objectPermissions,
  objectResources,
  openObject,
  resolveObject,
} from '../objects.ts'
import { defineOperation } from '../s3-operation.ts'

/**
 * An object, or a range of its bytes.
 * Source: Amazon S3 API Reference, GetObject.
 */
export const getObject = defineOperation({
  name: 'GetObject',
  isDataEvent: true,
  resolve: resolveObject,
  permissions: (_input, target) => objectPermissions(target),
  resources: objectResources,
  async handle(input, target, scope) {
    const object = await openObject(input, target, scope)
    const { head, range } = describeObject(input, object)
    const { body } = object
    const Body = range === undefined ? body : body.subarray(range.first, range.last + 1)
    // The transport announces the length of the body itself.
    return { ...head, ContentLength: undefined, Body }
  },
})
