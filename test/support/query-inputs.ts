import type { OperationModel, Shape } from '../../src/core/model.ts'
import { ALLOW_ALL, arnOf, trustOf } from './iam-account.ts'

/** A well-formed value for each member that some operation of IAM requires. */
const SAMPLES: Readonly<Record<string, string>> = {
  AWSServiceName: 'x.amazonaws.com',
  AccessKeyId: 'AKIAIOSFODNN7EXAMPLE',
  AccountAlias: 'acme',
  ActionNames: 'kms:Decrypt',
  AssumeRolePolicyDocument: trustOf({ Service: 'ec2.amazonaws.com' }),
  CertificateId: 'TA7SMP42TDN5Z26OBPJE7EXAMPLE',
  ClientID: 'audience',
  Description: 'some words',
  GroupName: 'staff',
  InstanceProfileName: 'web',
  OpenIDConnectProviderArn: arnOf('oidc-provider/token.example.com'),
  PermissionsBoundary: 'arn:aws:iam::aws:policy/PowerUserAccess',
  PolicyArn: arnOf('policy/shared'),
  PolicyDocument: ALLOW_ALL,
  PolicyInputList: ALLOW_ALL,
  PolicyName: 'own',
  PolicySourceArn: arnOf('user/ann'),
  RoleName: 'reader',
  SSHPublicKeyId: 'APKAEIBAERJR2EXAMPLE1',
  SerialNumber: 'GAHT12345678',
  ServiceSpecificCredentialId: 'ACCA12345678901234567',
  Status: 'Active',
  TagKeys: 'team',
  ThumbprintList: 'f'.repeat(40),
  Url: 'https://token.example.com',
  UserName: 'ann',
  VersionId: 'v1',
}

function addValue(form: URLSearchParams, path: string, name: string, shape: Shape): void {
  if (shape.type === 'list') return addValue(form, `${path}.member.1`, name, shape.member)
  if (shape.type === 'structure') {
    // Tags are the only structures that requests require.
    form.set(`${path}.Key`, 'team')
    form.set(`${path}.Value`, 'a')
    return
  }
  const value = SAMPLES[name]
  if (value === undefined) throw new TypeError(`no sample of ${name}`)
  form.set(path, value)
}

/** A request with all that an operation requires, and nothing else. */
export function minimalForm({ name, input }: OperationModel, version: string): URLSearchParams {
  const form = new URLSearchParams({ Action: name, Version: version })
  for (const [member, shape] of input.members) {
    if (input.required.includes(member)) addValue(form, member, member, shape)
  }
  return form
}
