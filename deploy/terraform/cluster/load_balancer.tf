# What the AWS Load Balancer Controller needs for the gateway's Ingress and nothing else: ALBs with targets by IP address and
# certificates of ACM. Upstream's policy also allows WAF, Shield, Cognito and classic certificates; the chart is installed
# with those turned off. What it changes must carry the tag that it gives its own resources, with this cluster's name.

locals {
  elb_tag      = "elbv2.k8s.aws/cluster"
  elb          = "arn:${data.aws_partition.current.partition}:elasticloadbalancing:${var.region}:${data.aws_caller_identity.current.account_id}"
  ec2          = "arn:${data.aws_partition.current.partition}:ec2:${var.region}:${data.aws_caller_identity.current.account_id}"
  node_group   = "${local.ec2}:security-group/${aws_eks_cluster.this.vpc_config[0].cluster_security_group_id}"
  elb_balanced = ["${local.elb}:loadbalancer/app/*", "${local.elb}:targetgroup/*"]
  elb_ruled    = ["${local.elb}:listener/app/*", "${local.elb}:listener-rule/app/*"]
}

data "aws_iam_policy_document" "load_balancer" {
  statement {
    sid       = "FirstBalancerOfTheAccount"
    actions   = ["iam:CreateServiceLinkedRole"]
    resources = ["*"]

    condition {
      test     = "StringEquals"
      variable = "iam:AWSServiceName"
      values   = ["elasticloadbalancing.amazonaws.com"]
    }
  }

  statement {
    sid = "Look"
    actions = [
      "acm:DescribeCertificate",
      "acm:ListCertificates",
      "ec2:DescribeAccountAttributes",
      "ec2:DescribeAddresses",
      "ec2:DescribeAvailabilityZones",
      "ec2:DescribeInstances",
      "ec2:DescribeInternetGateways",
      "ec2:DescribeNetworkInterfaces",
      "ec2:DescribeRouteTables",
      "ec2:DescribeSecurityGroups",
      "ec2:DescribeSubnets",
      "ec2:DescribeTags",
      "ec2:DescribeVpcPeeringConnections",
      "ec2:DescribeVpcs",
      "ec2:GetSecurityGroupsForVpc",
      "elasticloadbalancing:DescribeCapacityReservation",
      "elasticloadbalancing:DescribeListenerAttributes",
      "elasticloadbalancing:DescribeListenerCertificates",
      "elasticloadbalancing:DescribeListeners",
      "elasticloadbalancing:DescribeLoadBalancerAttributes",
      "elasticloadbalancing:DescribeLoadBalancers",
      "elasticloadbalancing:DescribeRules",
      "elasticloadbalancing:DescribeSSLPolicies",
      "elasticloadbalancing:DescribeTags",
      "elasticloadbalancing:DescribeTargetGroupAttributes",
      "elasticloadbalancing:DescribeTargetGroups",
      "elasticloadbalancing:DescribeTargetHealth",
      "elasticloadbalancing:DescribeTrustStores",
    ]
    resources = ["*"]
  }

  # Security groups: its own, which it makes in this VPC and tags as it makes them, and the rule of the nodes that lets it in.
  statement {
    sid       = "GroupInThisVpc"
    actions   = ["ec2:CreateSecurityGroup"]
    resources = [aws_vpc.this.arn]
  }

  statement {
    sid       = "OwnGroupIsTagged"
    actions   = ["ec2:CreateSecurityGroup", "ec2:CreateTags"]
    resources = ["${local.ec2}:security-group/*"]

    condition {
      test     = "StringEquals"
      variable = "aws:RequestTag/${local.elb_tag}"
      values   = [var.name]
    }
  }

  statement {
    sid = "OwnGroups"
    actions = [
      "ec2:AuthorizeSecurityGroupIngress",
      "ec2:CreateTags",
      "ec2:DeleteSecurityGroup",
      "ec2:DeleteTags",
      "ec2:RevokeSecurityGroupIngress",
    ]
    resources = ["${local.ec2}:security-group/*"]

    condition {
      test     = "StringEquals"
      variable = "aws:ResourceTag/${local.elb_tag}"
      values   = [var.name]
    }
  }

  statement {
    sid       = "WayToTheNodes"
    actions   = ["ec2:AuthorizeSecurityGroupIngress", "ec2:RevokeSecurityGroupIngress"]
    resources = [local.node_group]
  }

  statement {
    sid = "MakeBalancers"
    actions = [
      "elasticloadbalancing:AddTags",
      "elasticloadbalancing:CreateLoadBalancer",
      "elasticloadbalancing:CreateTargetGroup",
    ]
    resources = local.elb_balanced

    condition {
      test     = "StringEquals"
      variable = "aws:RequestTag/${local.elb_tag}"
      values   = [var.name]
    }
  }

  statement {
    sid = "OwnBalancers"
    actions = [
      "elasticloadbalancing:AddTags",
      "elasticloadbalancing:CreateListener",
      "elasticloadbalancing:DeleteLoadBalancer",
      "elasticloadbalancing:DeleteTargetGroup",
      "elasticloadbalancing:DeregisterTargets",
      "elasticloadbalancing:ModifyCapacityReservation",
      "elasticloadbalancing:ModifyIpPools",
      "elasticloadbalancing:ModifyLoadBalancerAttributes",
      "elasticloadbalancing:ModifyTargetGroup",
      "elasticloadbalancing:ModifyTargetGroupAttributes",
      "elasticloadbalancing:RegisterTargets",
      "elasticloadbalancing:RemoveTags",
      "elasticloadbalancing:SetIpAddressType",
      "elasticloadbalancing:SetSecurityGroups",
      "elasticloadbalancing:SetSubnets",
    ]
    resources = local.elb_balanced

    condition {
      test     = "StringEquals"
      variable = "aws:ResourceTag/${local.elb_tag}"
      values   = [var.name]
    }
  }

  # Rules of listeners are not always tagged when they are reached for, so these go by kind: ALBs alone.
  statement {
    sid = "ListenersAndRules"
    actions = [
      "elasticloadbalancing:AddListenerCertificates",
      "elasticloadbalancing:AddTags",
      "elasticloadbalancing:CreateRule",
      "elasticloadbalancing:DeleteListener",
      "elasticloadbalancing:DeleteRule",
      "elasticloadbalancing:ModifyListener",
      "elasticloadbalancing:ModifyListenerAttributes",
      "elasticloadbalancing:ModifyRule",
      "elasticloadbalancing:RemoveListenerCertificates",
      "elasticloadbalancing:RemoveTags",
      "elasticloadbalancing:SetRulePriorities",
    ]
    resources = local.elb_ruled
  }
}
