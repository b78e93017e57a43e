# Plans the cluster with a provider that answers by itself: no account, no network. `terraform test`.

mock_provider "aws" {
  mock_data "aws_iam_policy_document" {
    defaults = { json = "{}" }
  }

  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }

  mock_data "aws_caller_identity" {
    defaults = { account_id = "123456789012" }
  }

  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::123456789012:role/any" }
  }

  mock_resource "aws_launch_template" {
    defaults = { id = "lt-0123456789abcdef0", latest_version = 1 }
  }

  mock_resource "aws_vpc" {
    defaults = { arn = "arn:aws:ec2:us-east-1:123456789012:vpc/vpc-0123456789abcdef0" }
  }

  mock_resource "aws_eks_cluster" {
    defaults = {
      vpc_config = { cluster_security_group_id = "sg-0123456789abcdef0" }
    }
  }

  override_data {
    target = data.aws_availability_zones.usable
    values = { names = ["us-east-1a", "us-east-1b", "us-east-1c", "us-east-1d"] }
  }

  override_data {
    target = data.aws_ec2_instance_type_offerings.gpu
    values = { locations = ["us-east-1a", "us-east-1c", "us-east-1f"] }
  }

  override_data {
    target = data.aws_iam_role.service
    values = { arn = "arn:aws:iam::123456789012:role/adwright-service" }
  }
}

variables {
  region           = "us-east-1"
  domain           = "ads.example.com"
  certificate_arn  = "arn:aws:acm:us-east-1:123456789012:certificate/0123"
  cluster_admins   = ["arn:aws:iam::123456789012:role/platform"]
  api_access_cidrs = ["203.0.113.7/32"]
}

run "gpu_nodes_cost_nothing_until_a_model_server_wants_one" {
  command = plan

  assert {
    condition     = aws_eks_node_group.this["gpu"].scaling_config[0].min_size == 0 && aws_eks_node_group.this["gpu"].scaling_config[0].desired_size == 0
    error_message = "the GPU group starts with nodes"
  }

  assert {
    condition     = aws_eks_node_group.this["gpu"].ami_type == "AL2023_x86_64_NVIDIA"
    error_message = "GPU nodes come without a driver"
  }

  assert {
    condition     = one(aws_eks_node_group.this["gpu"].taint).key == "nvidia.com/gpu" && one(aws_eks_node_group.this["gpu"].taint).effect == "NO_SCHEDULE"
    error_message = "anybody's pods may take a GPU node"
  }

  assert {
    condition     = local.gpu_zones == ["us-east-1a", "us-east-1c"]
    error_message = "the GPU group names a zone that has no such instances"
  }
}

run "nodes_and_the_api_are_not_on_the_internet" {
  command = plan

  assert {
    condition     = alltrue([for subnet in aws_subnet.private : subnet.map_public_ip_on_launch != true])
    error_message = "nodes get public addresses"
  }

  assert {
    condition     = aws_eks_cluster.this.vpc_config[0].public_access_cidrs == toset(["203.0.113.7/32"])
    error_message = "the API is open to others"
  }

  assert {
    condition     = alltrue([for template in aws_launch_template.node : template.metadata_options[0].http_tokens == "required" && template.metadata_options[0].http_put_response_hop_limit == 1])
    error_message = "pods can take the node's credentials"
  }
}

run "without_addresses_the_api_is_private" {
  command = plan

  variables {
    api_access_cidrs = []
  }

  assert {
    condition     = !aws_eks_cluster.this.vpc_config[0].endpoint_public_access && aws_eks_cluster.this.vpc_config[0].endpoint_private_access
    error_message = "the API is public"
  }
}

run "zones_that_are_named_are_kept" {
  command = plan

  variables {
    zone_names = ["us-east-1b", "us-east-1d"]
  }

  assert {
    condition     = keys(aws_subnet.private) == ["us-east-1b", "us-east-1d"]
    error_message = "other zones than named"
  }

  # None of them has the GPU type: that is told by the node group.
  expect_failures = [aws_eks_node_group.this]
}

run "network_policies_are_enforced" {
  command = plan

  assert {
    condition     = jsondecode(aws_eks_addon.before_nodes["vpc-cni"].configuration_values).enableNetworkPolicy == "true"
    error_message = "the CNI ignores NetworkPolicies"
  }
}

run "every_service_takes_its_own_role" {
  command = plan

  assert {
    condition     = { for name, it in aws_eks_pod_identity_association.service : it.service_account => it.namespace } == { context = "adwright", evaluator = "adwright", gateway = "adwright", generator = "adwright" }
    error_message = "a service account has no role"
  }
}

run "subnets_do_not_overlap_in_the_smallest_block" {
  command = plan

  variables {
    vpc_cidr = "10.64.0.0/18"
  }

  assert {
    condition     = [for subnet in aws_subnet.private : subnet.cidr_block] == ["10.64.0.0/21", "10.64.8.0/21", "10.64.16.0/21"] && [for subnet in aws_subnet.public : subnet.cidr_block] == ["10.64.60.0/26", "10.64.60.64/26", "10.64.60.128/26"]
    error_message = "other subnets than expected"
  }
}

run "the_overlay_gets_every_parameter" {
  command = apply

  assert {
    condition = [for line in split("\n", trimspace(output.kustomize_params)) : split("=", line)[0]] == [
      "account_id", "region", "domain", "certificate_arn", "efs_file_system_id", "vpc_cidr",
      "context_table", "gateway_table", "evaluator_table", "openai_secret_name", "service_secret_name",
    ]
    error_message = "deploy/kustomize/overlays/eks reads other keys"
  }

  assert {
    condition     = strcontains(output.kustomize_params, "\nvpc_cidr=10.64.0.0/16\ncontext_table=adwright-context\n")
    error_message = "wrong values"
  }
}

run "a_region_without_such_gpus_is_named" {
  command = plan

  override_data {
    target = data.aws_ec2_instance_type_offerings.gpu
    values = { locations = ["us-east-1f"] }
  }

  expect_failures = [aws_eks_node_group.this]
}

run "wrong_variables_are_named" {
  command = plan

  variables {
    region             = "Virginia"
    domain             = "https://ads.example.com/"
    certificate_arn    = "certificate"
    cluster_admins     = ["arn:aws:sts::123456789012:assumed-role/platform/me"]
    api_access_cidrs   = ["203.0.113.7"]
    vpc_cidr           = "10.0.0.0/24"
    kubernetes_version = "latest"
    zones              = 1
  }

  expect_failures = [
    var.region, var.domain, var.certificate_arn, var.cluster_admins, var.api_access_cidrs, var.vpc_cidr,
    var.kubernetes_version, var.zones,
  ]
}
