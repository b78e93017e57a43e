# One role a service, taken by its service account through EKS Pod Identity, allowed what the code really calls and no more.
# tests/integration/test_terraform.py runs the services under these policies and fails on a call that is refused, and on an
# action that is allowed and never called.

locals {
  # IAM's names for what packages/docstore sends. A transaction needs no action of its own: each operation in it is allowed
  # by the action of its kind. PutItem is the store's own records (key of the page tokens), UpdateItem every document.
  reads_and_writes = ["BatchWriteItem", "DeleteItem", "GetItem", "PutItem", "Query", "UpdateItem"]

  table_actions = {
    context   = concat(local.reads_and_writes, ["BatchGetItem", "ConditionCheckItem"])
    evaluator = concat(local.reads_and_writes, ["BatchGetItem", "ConditionCheckItem"])
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

data "aws_iam_policy_document" "work" {
  for_each = local.workloads

  dynamic "statement" {
    for_each = contains(keys(local.table_actions), each.key) ? [each.key] : []

    content {
      sid       = "OwnTable"
      actions   = [for action in sort(local.table_actions[statement.value]) : "dynamodb:${action}"]
      resources = [aws_dynamodb_table.service[statement.value].arn]
    }
  }

  dynamic "statement" {
    for_each = each.key == "generator" ? ["openai"] : []

    content {
      sid       = "OpenAiKey"
      actions   = ["secretsmanager:GetSecretValue"]
      resources = [aws_secretsmanager_secret.openai.arn]
    }
  }

  # Not the service itself: the Secrets Store driver mounts it into the pod, by the role of the pod's service account.
  statement {
    sid       = "ServiceSecret"
    actions   = ["secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue"]
    resources = [aws_secretsmanager_secret.service.arn]
  }
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
  policy = data.aws_iam_policy_document.work[each.key].json
}
