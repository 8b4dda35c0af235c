import { defineListing } from '../../iam-operation.ts'

/**
 * Certificates of servers are not kept here: there are none.
 * Source: AWS IAM API Reference, ListServerCertificates.
 */
export const listServerCertificates = defineListing({
  name: 'ListServerCertificates',
  handle: () => ({ ServerCertificateMetadataList: [], IsTruncated: false }),
})
