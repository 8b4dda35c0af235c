# Two accounts on one Strongroom: A owns the key, a role of B that is assumed through OIDC uses it.
# A's credentials, the Region and the endpoint come from the environment, as `strongroom env` sets it.

terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

# What `strongroom account create --json` printed for account B.
variable "b" {
  type      = object({ accountId = string, accessKeyId = string, secretAccessKey = string })
  sensitive = true
}

variable "issuer" { default = "https://token.ci.example.com/org" }

# The two halves of the permission across accounts.
variable "key_policy_lets_b" { default = true }
variable "iam_lets_b" { default = true }

locals {
  issuer_host = trimprefix(var.issuer, "https://")
  tags        = { team = "payments", "cost-center" = "4711" }
}

provider "aws" {
  alias                   = "a"
  skip_metadata_api_check = true
}

provider "aws" {
  alias                   = "b"
  access_key              = var.b.accessKeyId
  secret_key              = var.b.secretAccessKey
  skip_metadata_api_check = true
}

data "aws_caller_identity" "a" { provider = aws.a }
data "aws_caller_identity" "b" { provider = aws.b }

# ---- Account A: people ----------------------------------------------------------------------------

resource "aws_iam_user" "alice" {
  provider = aws.a
  name     = "alice"
  path     = "/team/"
  tags     = local.tags
}

resource "aws_iam_access_key" "alice" {
  provider = aws.a
  user     = aws_iam_user.alice.name
}

resource "aws_iam_group" "users" {
  provider = aws.a
  name     = "key-users"
}

resource "aws_iam_group_membership" "users" {
  provider = aws.a
  name     = "key-users"
  group    = aws_iam_group.users.name
  users    = [aws_iam_user.alice.name]
}

data "aws_iam_policy_document" "use" {
  provider = aws.a
  statement {
    sid       = "Use"
    actions   = ["kms:Encrypt", "kms:GenerateDataKey*", "kms:DescribeKey"]
    resources = [aws_kms_key.app.arn]
    condition {
      test     = "StringEquals"
      variable = "kms:EncryptionContext:purpose"
      values   = ["payments"]
    }
  }
  statement {
    actions   = ["kms:DescribeKey", "kms:ListAliases"]
    resources = ["*"]
  }
}

resource "aws_iam_policy" "use" {
  provider    = aws.a
  name        = "use-app-key"
  description = "Encrypt for payments"
  policy      = data.aws_iam_policy_document.use.json
  tags        = local.tags
}

resource "aws_iam_group_policy_attachment" "use" {
  provider   = aws.a
  group      = aws_iam_group.users.name
  policy_arn = aws_iam_policy.use.arn
}

resource "aws_iam_role" "worker" {
  provider = aws.a
  name     = "worker"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { AWS = aws_iam_user.alice.arn }
      Action    = "sts:AssumeRole"
      Condition = { StringEquals = { "sts:ExternalId" = "two-accounts" } }
    }]
  })
  tags = local.tags
}

# ---- Account A: the key ---------------------------------------------------------------------------

data "aws_iam_policy_document" "key" {
  provider = aws.a
  statement {
    sid       = "Enable IAM User Permissions"
    actions   = ["kms:*"]
    resources = ["*"]
    principals {
      type        = "AWS"
      identifiers = ["arn:aws:iam::${data.aws_caller_identity.a.account_id}:root"]
    }
  }
  dynamic "statement" {
    for_each = var.key_policy_lets_b ? [1] : []
    content {
      sid       = "Reader of B"
      actions   = ["kms:Decrypt", "kms:DescribeKey"]
      resources = ["*"]
      principals {
        type        = "AWS"
        identifiers = [aws_iam_role.reader.arn]
      }
    }
  }
}

resource "aws_kms_key" "app" {
  provider                = aws.a
  description             = "What two accounts share"
  deletion_window_in_days = 7
  enable_key_rotation     = true
  tags                    = local.tags
}

resource "aws_kms_key_policy" "app" {
  provider = aws.a
  key_id   = aws_kms_key.app.key_id
  policy   = data.aws_iam_policy_document.key.json
}

resource "aws_kms_alias" "app" {
  provider      = aws.a
  name          = "alias/app"
  target_key_id = aws_kms_key.app.key_id
}

resource "aws_kms_grant" "worker" {
  provider          = aws.a
  name              = "worker-decrypts-payments"
  key_id            = aws_kms_key.app.key_id
  grantee_principal = aws_iam_role.worker.arn
  operations        = ["Decrypt"]
  constraints {
    encryption_context_equals = { purpose = "payments" }
  }
}

# ---- Account B: a role for tokens of an OIDC provider -----------------------------------------------

resource "aws_iam_openid_connect_provider" "ci" {
  provider        = aws.b
  url             = var.issuer
  client_id_list  = ["sts.amazonaws.com"]
  thumbprint_list = ["cf23df2207d99a74fbe169e3eba035e633b65d94"]
  tags            = local.tags
}

resource "aws_iam_role" "reader" {
  provider             = aws.b
  name                 = "reader"
  path                 = "/ci/"
  max_session_duration = 7200
  permissions_boundary = aws_iam_policy.boundary.arn
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Federated = aws_iam_openid_connect_provider.ci.arn }
      Action    = "sts:AssumeRoleWithWebIdentity"
      Condition = {
        StringEquals = { "${local.issuer_host}:aud" = "sts.amazonaws.com" }
        StringLike   = { "${local.issuer_host}:sub" = "repo:payments/*" }
      }
    }]
  })
}

resource "aws_iam_policy" "boundary" {
  provider = aws.b
  name     = "only-kms"
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "kms:*", Resource = "*" }]
  })
}

resource "aws_iam_role_policy" "reader" {
  provider = aws.b
  count    = var.iam_lets_b ? 1 : 0
  name     = "decrypt-of-a"
  role     = aws_iam_role.reader.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = ["kms:Decrypt", "kms:DescribeKey"]
      Resource = aws_kms_key.app.arn
    }]
  })
}

output "key_arn" { value = aws_kms_key.app.arn }
output "key_id" { value = aws_kms_key.app.key_id }
output "reader_arn" { value = aws_iam_role.reader.arn }
output "worker_arn" { value = aws_iam_role.worker.arn }
output "alice_key_id" { value = aws_iam_access_key.alice.id }
output "alice_secret" {
  value     = aws_iam_access_key.alice.secret
  sensitive = true
}
