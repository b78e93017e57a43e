output "tables" {
  description = "Names of the tables by service: what ADWRIGHT_{CONTEXT,EVALUATOR,GATEWAY}_DYNAMODB_TABLE must say."
  value       = { for service, table in aws_dynamodb_table.service : service => table.name }
}

output "secrets" {
  description = "Names of the secrets. Both are empty until their values are put in."
  value = {
    openai  = aws_secretsmanager_secret.openai.name
    service = aws_secretsmanager_secret.service.name
  }
}

output "repositories" {
  description = "Where images are pushed, by service."
  value       = { for service, repository in aws_ecr_repository.service : service => repository.repository_url }
}

output "registry" {
  description = "Host to log in to before a push."
  value       = split("/", aws_ecr_repository.service["gateway"].repository_url)[0]
}

output "roles" {
  description = "ARNs of the roles by who takes them."
  value       = { for who, role in aws_iam_role.workload : who => role.arn }
}
