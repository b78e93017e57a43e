# One role a service, taken by its service account through EKS Pod Identity, allowed what the code really calls and no more.
# tests/integration/test_terraform.py runs the services under these policies and fails on a call that is refused, and on an
# action that is allowed and never called.

locals {
  # IAM's names for what packages/docstore sends. A transaction needs no action of its own: each operation in it is allowed
  # by the action of its kind. PutItem is the store's own records (key of the page tokens), UpdateItem every document.
  reads_and_writes = ["BatchWriteItem", "DeleteItem", "GetItem", "PutItem", "Query", "UpdateItem"]

  table_actions = {
    context   = concat(local.reads_and_writes, ["BatchGetItem", "ConditionCheckItem"])
    evaluator = concat(local.reads_and_writes, ["BatchGetItem"])
    gateway   = local.reads_and_writes
  }

  workloads = toset(concat(keys(local.table_actions), ["generator"]))
}

data "aws_iam_policy_document" "trust" {
  for_each = local.workloads

  statement {
    actions = ["sts:AssumeRole", "sts:TagSession"]

    principals {
      type        = "Service"
      identifiers = ["pods.eks.amazonaws.com"]
    }

    # Pod Identity says by session tags who asks. Without these any association in the account could take the role.
    condition {
      test     = "StringEquals"
      variable = "aws:RequestTag/kubernetes-namespace"
      values   = [var.namespace]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:RequestTag/kubernetes-service-account"
      values   = [each.key]
    }
  }
}

data "aws_iam_policy_document" "table" {
  for_each = local.table_actions

  statement {
    sid       = "OwnTable"
    actions   = [for action in sort(each.value) : "dynamodb:${action}"]
    resources = [aws_dynamodb_table.service[each.key].arn]
  }
}

data "aws_iam_policy_document" "openai_key" {
  statement {
    sid       = "OpenAiKey"
    actions   = ["secretsmanager:GetSecretValue"]
    resources = [aws_secretsmanager_secret.openai.arn]
  }
}

locals {
  policies = merge(
    { for service, document in data.aws_iam_policy_document.table : service => document.json },
    { generator = data.aws_iam_policy_document.openai_key.json },
  )
}

resource "aws_iam_role" "workload" {
  for_each = local.workloads

  name               = "${var.name}-${each.key}"
  description        = "What adwright's ${each.key} may do in AWS."
  assume_role_policy = data.aws_iam_policy_document.trust[each.key].json
}

resource "aws_iam_role_policy" "workload" {
  for_each = local.workloads

  name   = "work"
  role   = aws_iam_role.workload[each.key].id
  policy = local.policies[each.key]
}
