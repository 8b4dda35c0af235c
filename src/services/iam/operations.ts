import type { AnyOperation } from '../../pipeline/operation.ts'
import type { OperationName } from './model.ts'
import { createAccessKey } from './operations/access-keys/create-access-key.ts'
import { deleteAccessKey } from './operations/access-keys/delete-access-key.ts'
import { getAccessKeyLastUsed } from './operations/access-keys/get-access-key-last-used.ts'
import { listAccessKeys } from './operations/access-keys/list-access-keys.ts'
import { updateAccessKey } from './operations/access-keys/update-access-key.ts'
import { createAccountAlias } from './operations/account/create-account-alias.ts'
import { deleteAccountAlias } from './operations/account/delete-account-alias.ts'
import { getAccountAuthorizationDetails } from './operations/account/get-account-authorization-details.ts'
import { getAccountPasswordPolicy } from './operations/account/get-account-password-policy.ts'
import { getAccountSummary } from './operations/account/get-account-summary.ts'
import { listAccountAliases } from './operations/account/list-account-aliases.ts'
import { attachGroupPolicy } from './operations/attached-policies/attach-group-policy.ts'
import { attachRolePolicy } from './operations/attached-policies/attach-role-policy.ts'
import { attachUserPolicy } from './operations/attached-policies/attach-user-policy.ts'
import { detachGroupPolicy } from './operations/attached-policies/detach-group-policy.ts'
import { detachRolePolicy } from './operations/attached-policies/detach-role-policy.ts'
import { detachUserPolicy } from './operations/attached-policies/detach-user-policy.ts'
import { listAttachedGroupPolicies } from './operations/attached-policies/list-attached-group-policies.ts'
import { listAttachedRolePolicies } from './operations/attached-policies/list-attached-role-policies.ts'
import { listAttachedUserPolicies } from './operations/attached-policies/list-attached-user-policies.ts'
import { deleteRolePermissionsBoundary } from './operations/boundaries/delete-role-permissions-boundary.ts'
import { deleteUserPermissionsBoundary } from './operations/boundaries/delete-user-permissions-boundary.ts'
import { putRolePermissionsBoundary } from './operations/boundaries/put-role-permissions-boundary.ts'
import { putUserPermissionsBoundary } from './operations/boundaries/put-user-permissions-boundary.ts'
import { addUserToGroup } from './operations/groups/add-user-to-group.ts'
import { createGroup } from './operations/groups/create-group.ts'
import { deleteGroup } from './operations/groups/delete-group.ts'
import { getGroup } from './operations/groups/get-group.ts'
import { listGroups } from './operations/groups/list-groups.ts'
import { listGroupsForUser } from './operations/groups/list-groups-for-user.ts'
import { removeUserFromGroup } from './operations/groups/remove-user-from-group.ts'
import { updateGroup } from './operations/groups/update-group.ts'
import { deleteGroupPolicy } from './operations/inline-policies/delete-group-policy.ts'
import { deleteRolePolicy } from './operations/inline-policies/delete-role-policy.ts'
import { deleteUserPolicy } from './operations/inline-policies/delete-user-policy.ts'
import { getGroupPolicy } from './operations/inline-policies/get-group-policy.ts'
import { getRolePolicy } from './operations/inline-policies/get-role-policy.ts'
import { getUserPolicy } from './operations/inline-policies/get-user-policy.ts'
import { listGroupPolicies } from './operations/inline-policies/list-group-policies.ts'
import { listRolePolicies } from './operations/inline-policies/list-role-policies.ts'
import { listUserPolicies } from './operations/inline-policies/list-user-policies.ts'
import { putGroupPolicy } from './operations/inline-policies/put-group-policy.ts'
import { putRolePolicy } from './operations/inline-policies/put-role-policy.ts'
import { putUserPolicy } from './operations/inline-policies/put-user-policy.ts'
import { addRoleToInstanceProfile } from './operations/instance-profiles/add-role-to-instance-profile.ts'
import { createInstanceProfile } from './operations/instance-profiles/create-instance-profile.ts'
import { deleteInstanceProfile } from './operations/instance-profiles/delete-instance-profile.ts'
import { getInstanceProfile } from './operations/instance-profiles/get-instance-profile.ts'
import { listInstanceProfiles } from './operations/instance-profiles/list-instance-profiles.ts'
import { listInstanceProfilesForRole } from './operations/instance-profiles/list-instance-profiles-for-role.ts'
import { removeRoleFromInstanceProfile } from './operations/instance-profiles/remove-role-from-instance-profile.ts'
import { createPolicy } from './operations/managed-policies/create-policy.ts'
import { createPolicyVersion } from './operations/managed-policies/create-policy-version.ts'
import { deletePolicy } from './operations/managed-policies/delete-policy.ts'
import { deletePolicyVersion } from './operations/managed-policies/delete-policy-version.ts'
import { getPolicy } from './operations/managed-policies/get-policy.ts'
import { getPolicyVersion } from './operations/managed-policies/get-policy-version.ts'
import { listEntitiesForPolicy } from './operations/managed-policies/list-entities-for-policy.ts'
import { listPolicies } from './operations/managed-policies/list-policies.ts'
import { listPolicyVersions } from './operations/managed-policies/list-policy-versions.ts'
import { setDefaultPolicyVersion } from './operations/managed-policies/set-default-policy-version.ts'
import { createServiceLinkedRole } from './operations/not-offered/create-service-linked-role.ts'
import { deactivateMFADevice } from './operations/not-offered/deactivate-mfa-device.ts'
import { deleteLoginProfile } from './operations/not-offered/delete-login-profile.ts'
import { deleteServiceLinkedRole } from './operations/not-offered/delete-service-linked-role.ts'
import { deleteServiceSpecificCredential } from './operations/not-offered/delete-service-specific-credential.ts'
import { deleteSigningCertificate } from './operations/not-offered/delete-signing-certificate.ts'
import { deleteSSHPublicKey } from './operations/not-offered/delete-ssh-public-key.ts'
import { getLoginProfile } from './operations/not-offered/get-login-profile.ts'
import { listMFADevices } from './operations/not-offered/list-mfa-devices.ts'
import { listSAMLProviders } from './operations/not-offered/list-saml-providers.ts'
import { listServerCertificates } from './operations/not-offered/list-server-certificates.ts'
import { listServiceSpecificCredentials } from './operations/not-offered/list-service-specific-credentials.ts'
import { listSigningCertificates } from './operations/not-offered/list-signing-certificates.ts'
import { listSSHPublicKeys } from './operations/not-offered/list-ssh-public-keys.ts'
import { listVirtualMFADevices } from './operations/not-offered/list-virtual-mfa-devices.ts'
import { updateLoginProfile } from './operations/not-offered/update-login-profile.ts'
import { addClientIDToOpenIDConnectProvider } from './operations/oidc-providers/add-client-id-to-open-id-connect-provider.ts'
import { createOpenIDConnectProvider } from './operations/oidc-providers/create-open-id-connect-provider.ts'
import { deleteOpenIDConnectProvider } from './operations/oidc-providers/delete-open-id-connect-provider.ts'
import { getOpenIDConnectProvider } from './operations/oidc-providers/get-open-id-connect-provider.ts'
import { listOpenIDConnectProviders } from './operations/oidc-providers/list-open-id-connect-providers.ts'
import { removeClientIDFromOpenIDConnectProvider } from './operations/oidc-providers/remove-client-id-from-open-id-connect-provider.ts'
import { updateOpenIDConnectProviderThumbprint } from './operations/oidc-providers/update-open-id-connect-provider-thumbprint.ts'
import { createRole } from './operations/roles/create-role.ts'
import { deleteRole } from './operations/roles/delete-role.ts'
import { getRole } from './operations/roles/get-role.ts'
import { listRoles } from './operations/roles/list-roles.ts'
import { updateAssumeRolePolicy } from './operations/roles/update-assume-role-policy.ts'
import { updateRole } from './operations/roles/update-role.ts'
import { updateRoleDescription } from './operations/roles/update-role-description.ts'
import { getContextKeysForCustomPolicy } from './operations/simulation/get-context-keys-for-custom-policy.ts'
import { getContextKeysForPrincipalPolicy } from './operations/simulation/get-context-keys-for-principal-policy.ts'
import { simulateCustomPolicy } from './operations/simulation/simulate-custom-policy.ts'
import { simulatePrincipalPolicy } from './operations/simulation/simulate-principal-policy.ts'
import { listInstanceProfileTags } from './operations/tags/list-instance-profile-tags.ts'
import { listOpenIDConnectProviderTags } from './operations/tags/list-open-id-connect-provider-tags.ts'
import { listPolicyTags } from './operations/tags/list-policy-tags.ts'
import { listRoleTags } from './operations/tags/list-role-tags.ts'
import { listUserTags } from './operations/tags/list-user-tags.ts'
import { tagInstanceProfile } from './operations/tags/tag-instance-profile.ts'
import { tagOpenIDConnectProvider } from './operations/tags/tag-open-id-connect-provider.ts'
import { tagPolicy } from './operations/tags/tag-policy.ts'
import { tagRole } from './operations/tags/tag-role.ts'
import { tagUser } from './operations/tags/tag-user.ts'
import { untagInstanceProfile } from './operations/tags/untag-instance-profile.ts'
import { untagOpenIDConnectProvider } from './operations/tags/untag-open-id-connect-provider.ts'
import { untagPolicy } from './operations/tags/untag-policy.ts'
import { untagRole } from './operations/tags/untag-role.ts'
import { untagUser } from './operations/tags/untag-user.ts'
import { createUser } from './operations/users/create-user.ts'
import { deleteUser } from './operations/users/delete-user.ts'
import { getUser } from './operations/users/get-user.ts'
import { listUsers } from './operations/users/list-users.ts'
import { updateUser } from './operations/users/update-user.ts'

/** Every operation of IAM that is served. */
export const IAM_OPERATIONS = {
  AddClientIDToOpenIDConnectProvider: addClientIDToOpenIDConnectProvider,
  AddRoleToInstanceProfile: addRoleToInstanceProfile,
  AddUserToGroup: addUserToGroup,
  AttachGroupPolicy: attachGroupPolicy,
  AttachRolePolicy: attachRolePolicy,
  AttachUserPolicy: attachUserPolicy,
  CreateAccessKey: createAccessKey,
  CreateAccountAlias: createAccountAlias,
  CreateGroup: createGroup,
  CreateInstanceProfile: createInstanceProfile,
  CreateOpenIDConnectProvider: createOpenIDConnectProvider,
  CreatePolicy: createPolicy,
  CreatePolicyVersion: createPolicyVersion,
  CreateRole: createRole,
  CreateServiceLinkedRole: createServiceLinkedRole,
  CreateUser: createUser,
  DeactivateMFADevice: deactivateMFADevice,
  DeleteAccessKey: deleteAccessKey,
  DeleteAccountAlias: deleteAccountAlias,
  DeleteGroup: deleteGroup,
  DeleteGroupPolicy: deleteGroupPolicy,
  DeleteInstanceProfile: deleteInstanceProfile,
  DeleteLoginProfile: deleteLoginProfile,
  DeleteOpenIDConnectProvider: deleteOpenIDConnectProvider,
  DeletePolicy: deletePolicy,
  DeletePolicyVersion: deletePolicyVersion,
  DeleteRole: deleteRole,
  DeleteRolePermissionsBoundary: deleteRolePermissionsBoundary,
  DeleteRolePolicy: deleteRolePolicy,
  DeleteSSHPublicKey: deleteSSHPublicKey,
  DeleteServiceLinkedRole: deleteServiceLinkedRole,
  DeleteServiceSpecificCredential: deleteServiceSpecificCredential,
  DeleteSigningCertificate: deleteSigningCertificate,
  DeleteUser: deleteUser,
  DeleteUserPermissionsBoundary: deleteUserPermissionsBoundary,
  DeleteUserPolicy: deleteUserPolicy,
  DetachGroupPolicy: detachGroupPolicy,
  DetachRolePolicy: detachRolePolicy,
  DetachUserPolicy: detachUserPolicy,
  GetAccessKeyLastUsed: getAccessKeyLastUsed,
  GetAccountAuthorizationDetails: getAccountAuthorizationDetails,
  GetAccountPasswordPolicy: getAccountPasswordPolicy,
  GetAccountSummary: getAccountSummary,
  GetContextKeysForCustomPolicy: getContextKeysForCustomPolicy,
  GetContextKeysForPrincipalPolicy: getContextKeysForPrincipalPolicy,
  GetGroup: getGroup,
  GetGroupPolicy: getGroupPolicy,
  GetInstanceProfile: getInstanceProfile,
  GetLoginProfile: getLoginProfile,
  GetOpenIDConnectProvider: getOpenIDConnectProvider,
  GetPolicy: getPolicy,
  GetPolicyVersion: getPolicyVersion,
  GetRole: getRole,
  GetRolePolicy: getRolePolicy,
  GetUser: getUser,
  GetUserPolicy: getUserPolicy,
  ListAccessKeys: listAccessKeys,
  ListAccountAliases: listAccountAliases,
  ListAttachedGroupPolicies: listAttachedGroupPolicies,
  ListAttachedRolePolicies: listAttachedRolePolicies,
  ListAttachedUserPolicies: listAttachedUserPolicies,
  ListEntitiesForPolicy: listEntitiesForPolicy,
  ListGroupPolicies: listGroupPolicies,
  ListGroups: listGroups,
  ListGroupsForUser: listGroupsForUser,
  ListInstanceProfileTags: listInstanceProfileTags,
  ListInstanceProfiles: listInstanceProfiles,
  ListInstanceProfilesForRole: listInstanceProfilesForRole,
  ListMFADevices: listMFADevices,
  ListOpenIDConnectProviderTags: listOpenIDConnectProviderTags,
  ListOpenIDConnectProviders: listOpenIDConnectProviders,
  ListPolicies: listPolicies,
  ListPolicyTags: listPolicyTags,
  ListPolicyVersions: listPolicyVersions,
  ListRolePolicies: listRolePolicies,
  ListRoleTags: listRoleTags,
  ListRoles: listRoles,
  ListSAMLProviders: listSAMLProviders,
  ListSSHPublicKeys: listSSHPublicKeys,
  ListServerCertificates: listServerCertificates,
  ListServiceSpecificCredentials: listServiceSpecificCredentials,
  ListSigningCertificates: listSigningCertificates,
  ListUserPolicies: listUserPolicies,
  ListUserTags: listUserTags,
  ListUsers: listUsers,
  ListVirtualMFADevices: listVirtualMFADevices,
  PutGroupPolicy: putGroupPolicy,
  PutRolePermissionsBoundary: putRolePermissionsBoundary,
  PutRolePolicy: putRolePolicy,
  PutUserPermissionsBoundary: putUserPermissionsBoundary,
  PutUserPolicy: putUserPolicy,
  RemoveClientIDFromOpenIDConnectProvider: removeClientIDFromOpenIDConnectProvider,
  RemoveRoleFromInstanceProfile: removeRoleFromInstanceProfile,
  RemoveUserFromGroup: removeUserFromGroup,
  SetDefaultPolicyVersion: setDefaultPolicyVersion,
  SimulateCustomPolicy: simulateCustomPolicy,
  SimulatePrincipalPolicy: simulatePrincipalPolicy,
  TagInstanceProfile: tagInstanceProfile,
  TagOpenIDConnectProvider: tagOpenIDConnectProvider,
  TagPolicy: tagPolicy,
  TagRole: tagRole,
  TagUser: tagUser,
  UntagInstanceProfile: untagInstanceProfile,
  UntagOpenIDConnectProvider: untagOpenIDConnectProvider,
  UntagPolicy: untagPolicy,
  UntagRole: untagRole,
  UntagUser: untagUser,
  UpdateAccessKey: updateAccessKey,
  UpdateAssumeRolePolicy: updateAssumeRolePolicy,
  UpdateGroup: updateGroup,
  UpdateLoginProfile: updateLoginProfile,
  UpdateOpenIDConnectProviderThumbprint: updateOpenIDConnectProviderThumbprint,
  UpdateRole: updateRole,
  UpdateRoleDescription: updateRoleDescription,
  UpdateUser: updateUser,
} satisfies Readonly<Record<OperationName, AnyOperation>>
