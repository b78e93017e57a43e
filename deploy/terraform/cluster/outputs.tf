output "kustomize_params" {
  description = "deploy/kustomize/overlays/eks/params.env: terraform output -raw kustomize_params > …/params.env"
  value = join("\n", [
    "account_id=${data.aws_caller_identity.current.account_id}",
    "region=${var.region}",
    "domain=${var.domain}",
    "certificate_arn=${var.certificate_arn}",
    "efs_file_system_id=${aws_efs_file_system.models.id}",
    "vpc_cidr=${aws_vpc.this.cidr_block}",
    "context_table=${data.aws_dynamodb_table.service["context"].name}",
    "gateway_table=${data.aws_dynamodb_table.service["gateway"].name}",
    "evaluator_table=${data.aws_dynamodb_table.service["evaluator"].name}",
    "openai_secret_name=${data.aws_secretsmanager_secret.this["openai"].name}",
    "service_secret_name=${data.aws_secretsmanager_secret.this["service"].name}",
    "",
  ])
}

output "kubeconfig_command" {
  description = "Makes kubectl talk to this cluster."
  value       = "aws eks update-kubeconfig --region ${var.region} --name ${aws_eks_cluster.this.name}"
}

output "vpc_id" {
  description = "For the load balancer controller, which cannot ask the node: pods do not reach instance metadata."
  value       = aws_vpc.this.id
}

output "zone_names" {
  description = "The zones in use. Put them into your variables, and they stay."
  value       = local.zones
}

output "cluster_name" {
  description = "Name of the cluster."
  value       = aws_eks_cluster.this.name
}

output "dynamodb_endpoint_url" {
  description = "AWS_ENDPOINT_URL_DYNAMODB of the services where interface_endpoints names dynamodb; else null: the gateway endpoint needs none."
  value       = try("https://${aws_vpc_endpoint.interface["dynamodb"].dns_entry[0].dns_name}", null)
}
