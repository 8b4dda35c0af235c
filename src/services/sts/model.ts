import type { OperationModel, ServiceModel, StructureShape } from '../../core/model.ts'

const TEXT = { type: 'string' } as const

const structure = (name: string, members: readonly string[]): StructureShape => ({
  type: 'structure',
  name,
  required: [],
  members: new Map(members.map((member) => [member, TEXT])),
})

/** Source: AWS Security Token Service API Reference, GetCallerIdentity. */
export const GET_CALLER_IDENTITY: OperationModel = {
  name: 'GetCallerIdentity',
  input: structure('GetCallerIdentityRequest', []),
  output: structure('GetCallerIdentityResponse', ['UserId', 'Account', 'Arn']),
  errors: [],
}

/** The service is spoken over the Query protocol; requests in JSON have this target prefix. */
export const STS_MODEL: ServiceModel = {
  service: 'sts',
  targetPrefix: 'AWSSecurityTokenServiceV20110615',
  operations: new Map([[GET_CALLER_IDENTITY.name, GET_CALLER_IDENTITY]]),
}

/** The `Version` parameter, and the end of the XML namespace. */
export const STS_VERSION = '2011-06-15'
export const STS_NAMESPACE = `https://sts.amazonaws.com/doc/${STS_VERSION}/`
