# Identities of one account, of every kind that IAM keeps here. Credentials come as variables, the endpoint
# from AWS_ENDPOINT_URL. `second` changes one thing of most resources.

terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

variable "access_key" { type = string }
variable "secret_key" { type = string }

variable "second" {
  type    = bool
  default = false
}

locals {
  tags = var.second ? { team = "payments", stage = "test" } : { team = "payments" }
}

provider "aws" {
  region                  = "eu-central-1"
  access_key              = var.access_key
  secret_key              = var.secret_key
  skip_metadata_api_check = true
  skip_region_validation  = true
}

data "aws_caller_identity" "me" {}
data "aws_partition" "current" {}

# ---- Documents ------------------------------------------------------------------------------------

data "aws_iam_policy_document" "use_keys" {
  statement {
    sid       = "UseKeys"
    actions   = var.second ? ["kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey"] : ["kms:Decrypt", "kms:Encrypt"]
    resources = ["arn:${data.aws_partition.current.partition}:kms:*:${data.aws_caller_identity.me.account_id}:key/*"]
    condition {
      test     = "StringEquals"
      variable = "kms:EncryptionContext:purpose"
      values   = ["payments"]
    }
  }
}

data "aws_iam_policy_document" "see_keys" {
  statement {
    actions   = ["kms:Describe*", "kms:List*"]
    resources = ["*"]
  }
}

data "aws_iam_policy_document" "trust" {
  statement {
    actions = ["sts:AssumeRole", "sts:TagSession"]
    principals {
      type        = "AWS"
      identifiers = [aws_iam_user.alice.arn, data.aws_caller_identity.me.account_id]
    }
    condition {
      test     = "StringEquals"
      variable = "sts:ExternalId"
      values   = [var.second ? "other" : "first"]
    }
  }
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["ec2.amazonaws.com"]
    }
  }
}

data "aws_iam_policy_document" "web_trust" {
  statement {
    actions = ["sts:AssumeRoleWithWebIdentity"]
    principals {
      type        = "Federated"
      identifiers = [aws_iam_openid_connect_provider.builds.arn]
    }
    condition {
      test     = "StringEquals"
      variable = "token.builds.example.com:aud"
      values   = ["sts.amazonaws.com"]
    }
  }
}

# ---- Users and groups -----------------------------------------------------------------------------

resource "aws_iam_user" "alice" {
  name                 = "alice"
  path                 = var.second ? "/people/" : "/team/"
  permissions_boundary = var.second ? null : aws_iam_policy.boundary.arn
  tags                 = local.tags
}

resource "aws_iam_user" "bob" {
  name          = "bob"
  force_destroy = true
}

resource "aws_iam_user" "carol" {
  name = var.second ? "caroline" : "carol"
}

resource "aws_iam_user_policy_attachment" "carol" {
  user       = aws_iam_user.carol.name
  policy_arn = aws_iam_policy.use_keys.arn
}

resource "aws_iam_access_key" "alice" {
  user   = aws_iam_user.alice.name
  status = var.second ? "Inactive" : "Active"
}

resource "aws_iam_user_policy" "see_keys" {
  name   = "see-keys"
  user   = aws_iam_user.alice.name
  policy = var.second ? data.aws_iam_policy_document.use_keys.json : data.aws_iam_policy_document.see_keys.json
}

resource "aws_iam_user_policy_attachment" "read" {
  user       = aws_iam_user.alice.name
  policy_arn = "arn:${data.aws_partition.current.partition}:iam::aws:policy/IAMReadOnlyAccess"
}

resource "aws_iam_group" "staff" {
  name = "staff"
  path = var.second ? "/all/" : "/"
}

resource "aws_iam_group" "keepers" {
  name = var.second ? "key-keepers" : "keepers"
}

resource "aws_iam_group_membership" "staff" {
  name  = "staff"
  group = aws_iam_group.staff.name
  users = var.second ? [aws_iam_user.alice.name] : [aws_iam_user.alice.name, aws_iam_user.bob.name]
}

resource "aws_iam_user_group_membership" "bob" {
  user   = aws_iam_user.bob.name
  groups = [aws_iam_group.keepers.name]
}

resource "aws_iam_group_policy" "see_keys" {
  name_prefix = "see-"
  group       = aws_iam_group.staff.name
  policy      = data.aws_iam_policy_document.see_keys.json
}

resource "aws_iam_group_policy_attachment" "keepers" {
  group      = aws_iam_group.keepers.name
  policy_arn = aws_iam_policy.use_keys.arn
}

# ---- Managed policies -----------------------------------------------------------------------------

resource "aws_iam_policy" "use_keys" {
  name        = "use-keys"
  path        = "/keys/"
  description = "Use keys for payments (and nothing else)"
  policy      = data.aws_iam_policy_document.use_keys.json
  tags        = local.tags
}

resource "aws_iam_policy" "boundary" {
  name = "boundary"
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "*", Resource = "*" }]
  })
}

data "aws_iam_policy" "by_name" {
  name       = aws_iam_policy.use_keys.name
  depends_on = [aws_iam_policy.use_keys]
}

data "aws_iam_policy" "power_user" {
  arn = "arn:${data.aws_partition.current.partition}:iam::aws:policy/AWSKeyManagementServicePowerUser"
}

# ---- Roles ----------------------------------------------------------------------------------------

resource "aws_iam_role" "reader" {
  name                 = "reader"
  path                 = "/crew/"
  description          = var.second ? "Reads more" : "Reads"
  assume_role_policy   = data.aws_iam_policy_document.trust.json
  max_session_duration = var.second ? 7200 : 3600
  permissions_boundary = var.second ? data.aws_iam_policy.power_user.arn : aws_iam_policy.boundary.arn
  tags                 = local.tags
}

resource "aws_iam_role" "builder" {
  name_prefix           = "builder-"
  assume_role_policy    = data.aws_iam_policy_document.web_trust.json
  force_detach_policies = true
}

resource "aws_iam_role_policy" "use_keys" {
  name   = "use-keys"
  role   = aws_iam_role.reader.id
  policy = data.aws_iam_policy_document.use_keys.json
}

resource "aws_iam_role_policy_attachment" "reader" {
  role       = aws_iam_role.reader.name
  policy_arn = var.second ? data.aws_iam_policy.by_name.arn : data.aws_iam_policy.power_user.arn
}

resource "aws_iam_policy_attachment" "shared" {
  name       = "shared"
  users      = [aws_iam_user.bob.name]
  roles      = [aws_iam_role.builder.name]
  policy_arn = aws_iam_policy.shared.arn
}

resource "aws_iam_policy" "shared" {
  name   = "shared"
  policy = data.aws_iam_policy_document.see_keys.json
}

resource "aws_iam_instance_profile" "web" {
  name = "web"
  path = "/crew/"
  role = var.second ? aws_iam_role.builder.name : aws_iam_role.reader.name
  tags = local.tags
}

# ---- The account ----------------------------------------------------------------------------------

resource "aws_iam_openid_connect_provider" "builds" {
  url             = "https://token.builds.example.com"
  client_id_list  = var.second ? ["sts.amazonaws.com", "other"] : ["sts.amazonaws.com"]
  thumbprint_list = [var.second ? "ffffffffffffffffffffffffffffffffffffffff" : "cf23df2207d99a74fbe169e3eba035e633b65d94"]
  tags            = local.tags
}

resource "aws_iam_account_alias" "alias" {
  account_alias = var.second ? "strongroom-two" : "strongroom-one"
}

data "aws_iam_user" "alice" {
  user_name = aws_iam_user.alice.name
}

data "aws_iam_role" "reader" {
  name = aws_iam_role.reader.name
}

data "aws_iam_group" "staff" {
  group_name = aws_iam_group.staff.name
  depends_on = [aws_iam_group_membership.staff]
}

data "aws_iam_roles" "work" {
  path_prefix = "/crew/"
  depends_on  = [aws_iam_role.reader]
}

data "aws_iam_instance_profile" "web" {
  name = aws_iam_instance_profile.web.name
}

output "alice_id" { value = aws_iam_user.alice.unique_id }
output "reader_id" { value = aws_iam_role.reader.unique_id }
output "reader_trust" { value = aws_iam_role.reader.assume_role_policy }
output "staff" { value = sort([for user in data.aws_iam_group.staff.users : user.user_name]) }
