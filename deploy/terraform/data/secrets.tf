# Only the places. A value is put in by the command in the README and never passes through Terraform, so no state and no
# plan holds it; replacing a value is no change here.

resource "aws_secretsmanager_secret" "openai" {
  name                    = "${var.name}/openai-api-key"
  description             = "The API key of OpenAI, as text. The generator reads it and, when it is replaced, reads it again."
  recovery_window_in_days = var.secret_recovery_days
}

resource "aws_secretsmanager_secret" "service" {
  name                    = "${var.name}/service-secret"
  description             = "ADWRIGHT_SERVICE_SECRET: what the services show each other, as text; several by commas while one is replaced."
  recovery_window_in_days = var.secret_recovery_days
}
