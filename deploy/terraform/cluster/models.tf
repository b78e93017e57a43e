# The disk of the model's weights: filled once by a Job, read by every model server in every zone. Weights can be fetched
# again, so there is no backup of it.

resource "aws_efs_file_system" "models" {
  creation_token  = "${var.name}-models"
  encrypted       = true
  throughput_mode = "elastic"
  tags            = { Name = "${var.name}-models" }
}

resource "aws_security_group" "models" {
  name        = "${var.name}-models"
  description = "NFS from the nodes to the disk of the model weights"
  vpc_id      = aws_vpc.this.id
}

resource "aws_vpc_security_group_ingress_rule" "models" {
  security_group_id            = aws_security_group.models.id
  description                  = "NFS from the nodes"
  referenced_security_group_id = aws_eks_cluster.this.vpc_config[0].cluster_security_group_id
  ip_protocol                  = "tcp"
  from_port                    = 2049
  to_port                      = 2049
}

resource "aws_efs_mount_target" "models" {
  for_each = aws_subnet.private

  file_system_id  = aws_efs_file_system.models.id
  subnet_id       = each.value.id
  security_groups = [aws_security_group.models.id]
}
