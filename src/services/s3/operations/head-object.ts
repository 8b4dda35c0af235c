import {
  describeObject,
  objectPermissions,
  objectResources,
  openObject,
  resolveObject,
} from '../objects.ts'
import { defineOperation } from '../s3-operation.ts'

/**
 * What is said of an object, without its bytes.
 * Source: Amazon S3 API Reference, HeadObject.
 */
export const headObject = defineOperation({
  name: 'HeadObject',
  isDataEvent: true,
  resolve: resolveObject,
  permissions: (_input, target) => objectPermissions(target),
  resources: objectResources,
  async handle(input, target, scope) {
    const object = await openObject(input, target, scope)
    return describeObject(input, object).head
  },
})
