locals {
  node_groups = {
    general = {
      settings            = var.general_nodes
      disk_mib_per_second = 125
      ami_type            = "AL2023_x86_64_STANDARD"
      zones               = local.zones
      labels              = {}
      taints              = {}
    }
    gpu = {
      settings = var.gpu_nodes
      # A model server's image has some 10 GB, and a burst waits for it.
      disk_mib_per_second = 500
      # Driver and container toolkit are in it; the device plugin is installed into the cluster.
      ami_type = "AL2023_x86_64_NVIDIA"
      zones    = local.gpu_zones
      labels = {
        # By the first the device plugin's chart finds its nodes, by the second the cluster autoscaler knows a GPU node.
        "nvidia.com/gpu.present"        = "true"
        "k8s.amazonaws.com/accelerator" = "nvidia-a10g"
      }
      taints = { "nvidia.com/gpu" = "present" }
    }
  }

  # Not every zone has every GPU, and a group that names a zone without it is refused.
  gpu_zones = [for zone in local.zones : zone if contains(data.aws_ec2_instance_type_offerings.gpu.locations, zone)]
}

data "aws_ec2_instance_type_offerings" "gpu" {
  location_type = "availability-zone"

  filter {
    name   = "instance-type"
    values = var.gpu_nodes.instance_types
  }
}

data "aws_iam_policy_document" "node_trust" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["ec2.amazonaws.com"]
    }
  }
}

# What a node itself may do: join, and pull images. What pods may do is theirs by Pod Identity.
resource "aws_iam_role" "node" {
  name               = "${var.name}-node"
  description        = "Nodes of the EKS cluster ${var.name}"
  assume_role_policy = data.aws_iam_policy_document.node_trust.json
}

resource "aws_iam_role_policy_attachment" "node" {
  for_each = toset(["AmazonEKSWorkerNodePolicy", "AmazonEC2ContainerRegistryPullOnly"])

  role       = aws_iam_role.node.name
  policy_arn = "arn:${data.aws_partition.current.partition}:iam::aws:policy/${each.key}"
}

resource "aws_launch_template" "node" {
  for_each = local.node_groups

  name_prefix = "${var.name}-${each.key}-"

  # One hop: pods cannot ask for the node's own credentials.
  metadata_options {
    http_tokens                 = "required"
    http_put_response_hop_limit = 1
  }

  block_device_mappings {
    device_name = "/dev/xvda"

    ebs {
      volume_size           = each.value.settings.disk_gib
      volume_type           = "gp3"
      throughput            = each.value.disk_mib_per_second
      encrypted             = true
      delete_on_termination = true
    }
  }

  tag_specifications {
    resource_type = "instance"
    tags          = { Name = "${var.name}-${each.key}" }
  }
}

resource "aws_eks_node_group" "this" {
  for_each = local.node_groups

  cluster_name    = aws_eks_cluster.this.name
  node_group_name = each.key
  node_role_arn   = aws_iam_role.node.arn
  subnet_ids      = [for zone in each.value.zones : aws_subnet.private[zone].id]
  instance_types  = each.value.settings.instance_types
  ami_type        = each.value.ami_type
  labels          = merge({ "adwright/pool" = each.key }, each.value.labels)

  launch_template {
    id      = aws_launch_template.node[each.key].id
    version = aws_launch_template.node[each.key].latest_version
  }

  scaling_config {
    min_size     = each.value.settings.min
    max_size     = each.value.settings.max
    desired_size = each.value.settings.min
  }

  update_config {
    max_unavailable = 1
  }

  node_repair_config {
    enabled = true
  }

  dynamic "taint" {
    for_each = each.value.taints

    content {
      key    = taint.key
      value  = taint.value
      effect = "NO_SCHEDULE"
    }
  }

  lifecycle {
    # The autoscaler's.
    ignore_changes = [scaling_config[0].desired_size]

    precondition {
      condition     = length(each.value.zones) > 0
      error_message = "${each.key}_nodes: none of the zones ${join(", ", local.zones)} has ${join(", ", each.value.settings.instance_types)}: choose other instance types, or another region."
    }
  }

  # A node is ready only once it has a network, and its pods have an identity.
  depends_on = [aws_eks_addon.before_nodes, aws_iam_role_policy_attachment.node]
}
