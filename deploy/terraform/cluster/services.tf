# What ../data made, found by name: whoever plans this before that is told which of them is missing. No state is shared.

locals {
  services       = toset(["context", "evaluator", "gateway", "generator"])
  table_services = toset(["context", "evaluator", "gateway"])
}

data "aws_iam_role" "service" {
  for_each = local.services
  name     = "${var.name}-${each.key}"
}

data "aws_dynamodb_table" "service" {
  for_each = local.table_services
  name     = lookup(var.table_names, each.key, "${var.name}-${each.key}")
}

data "aws_secretsmanager_secret" "this" {
  for_each = { openai = "${var.name}/openai-api-key", service = "${var.name}/service-secret" }
  name     = each.value
}

# The service account of each service takes the role of its name.
resource "aws_eks_pod_identity_association" "service" {
  for_each = local.services

  cluster_name    = aws_eks_cluster.this.name
  namespace       = var.namespace
  service_account = each.key
  role_arn        = data.aws_iam_role.service[each.key].arn
}
