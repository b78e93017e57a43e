# Who else in the cluster calls AWS: controllers that are installed by Helm (docs/guides/deploy-eks.md). Each takes its role
# by Pod Identity; the policies are in load_balancer.tf and autoscaler.tf.

locals {
  controllers = {
    aws-load-balancer-controller = data.aws_iam_policy_document.load_balancer.json
    cluster-autoscaler           = data.aws_iam_policy_document.autoscaler.json
  }
}

data "aws_iam_policy_document" "controller_trust" {
  for_each = local.controllers

  statement {
    actions = ["sts:AssumeRole", "sts:TagSession"]

    principals {
      type        = "Service"
      identifiers = ["pods.eks.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:RequestTag/eks-cluster-name"
      values   = [var.name]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:RequestTag/kubernetes-namespace"
      values   = ["kube-system"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:RequestTag/kubernetes-service-account"
      values   = [each.key]
    }
  }
}

resource "aws_iam_role" "controller" {
  for_each = local.controllers

  name               = "${var.name}-${each.key}"
  description        = "${each.key} of the EKS cluster ${var.name}"
  assume_role_policy = data.aws_iam_policy_document.controller_trust[each.key].json
}

resource "aws_iam_role_policy" "controller" {
  for_each = local.controllers

  name   = "work"
  role   = aws_iam_role.controller[each.key].id
  policy = each.value
}

resource "aws_eks_pod_identity_association" "controller" {
  for_each = local.controllers

  cluster_name    = aws_eks_cluster.this.name
  namespace       = "kube-system"
  service_account = each.key
  role_arn        = aws_iam_role.controller[each.key].arn
}
