variable "region" {
  description = "AWS region of everything here, such as us-east-1; the cluster belongs in the same one."
  type        = string

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.region))
    error_message = "region: expected a region's name such as us-east-1."
  }
}

variable "name" {
  description = "Name of the installation. Tables, roles and secrets begin with it, so that several fit into one account."
  type        = string
  default     = "adwright"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,30}[a-z0-9]$", var.name))
    error_message = "name: expected 3 to 32 lower-case letters, digits and hyphens, beginning with a letter."
  }
}

variable "namespace" {
  description = "Kubernetes namespace whose service accounts may take the roles."
  type        = string
  default     = "adwright"
}

variable "repository_prefix" {
  description = "What the names of the image repositories begin with: PREFIX/gateway and so on."
  type        = string
  default     = "adwright"

  validation {
    condition     = can(regex("^[a-z0-9]+([._/-][a-z0-9]+)*$", var.repository_prefix))
    error_message = "repository_prefix: expected lower-case letters and digits, with single . _ / - between them."
  }
}

variable "images_kept" {
  description = "How many tagged images each repository keeps; older ones are removed. Enough for every rollback you would do."
  type        = number
  default     = 50

  validation {
    condition     = var.images_kept >= 2
    error_message = "images_kept: expected at least 2, the running image and the one to go back to."
  }
}

variable "deletion_protection" {
  description = "Whether tables refuse to be deleted, and repositories to be deleted with images in them. Apply with false before a destroy."
  type        = bool
  default     = true
}

variable "secret_recovery_days" {
  description = "Days in which a deleted secret can be restored: 7 to 30, or 0 to delete at once."
  type        = number
  default     = 30

  validation {
    condition     = var.secret_recovery_days == 0 || (var.secret_recovery_days >= 7 && var.secret_recovery_days <= 30)
    error_message = "secret_recovery_days: expected 0, or 7 to 30."
  }
}

variable "table_names" {
  description = "Names of tables by service where they are not NAME-SERVICE: after a restore, which makes a new table."
  type        = map(string)
  default     = {}

  validation {
    condition     = alltrue([for service, _ in var.table_names : contains(["context", "evaluator", "gateway"], service)])
    error_message = "table_names: expected names by service: context, evaluator, gateway."
  }
}

variable "tags" {
  description = "Further tags of everything here, for example for billing."
  type        = map(string)
  default     = {}
}
