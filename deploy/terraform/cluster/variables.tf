variable "region" {
  description = "AWS region, the one that ../data was applied in."
  type        = string

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.region))
    error_message = "region: expected a region's name such as us-east-1."
  }
}

variable "name" {
  description = "Name of the installation, the one that ../data was applied with; the cluster is called the same."
  type        = string
  default     = "adwright"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,30}[a-z0-9]$", var.name))
    error_message = "name: expected 3 to 32 lower-case letters, digits and hyphens, beginning with a letter."
  }
}

variable "namespace" {
  description = "Kubernetes namespace of the services, the one that ../data was applied with."
  type        = string
  default     = "adwright"
}

variable "kubernetes_version" {
  description = "Minor version of Kubernetes. EKS has 1.35 in standard support until March 2027."
  type        = string
  default     = "1.35"

  validation {
    condition     = can(regex("^1\\.[0-9]{2}$", var.kubernetes_version))
    error_message = "kubernetes_version: expected a minor version such as 1.35."
  }
}

variable "cluster_admins" {
  description = "ARNs of the IAM roles or users who administer the cluster. Whoever applies this is no administrator unless named here."
  type        = set(string)

  validation {
    condition     = length(var.cluster_admins) > 0
    error_message = "cluster_admins: expected at least one ARN, or nobody could use the cluster; `aws sts get-caller-identity` tells yours."
  }

  validation {
    condition     = alltrue([for arn in var.cluster_admins : can(regex("^arn:aws[a-z-]*:iam::[0-9]{12}:(role|user)/.+$", arn))])
    error_message = "cluster_admins: expected ARNs of IAM roles or users, not of sessions: arn:aws:iam::123456789012:role/platform."
  }
}

variable "api_access_cidrs" {
  description = "Addresses from which the Kubernetes API is reached over the Internet, as CIDR blocks; empty: from inside of the VPC alone."
  type        = set(string)

  validation {
    condition     = alltrue([for cidr in var.api_access_cidrs : can(cidrnetmask(cidr))])
    error_message = "api_access_cidrs: expected IPv4 CIDR blocks such as 203.0.113.7/32."
  }
}

variable "domain" {
  description = "Host name under which the gateway is reached, such as ads.example.com."
  type        = string

  validation {
    condition     = can(regex("^([a-z0-9]([a-z0-9-]*[a-z0-9])?\\.)+[a-z]{2,}$", var.domain))
    error_message = "domain: expected a host name such as ads.example.com."
  }
}

variable "certificate_arn" {
  description = "ARN of the ACM certificate for the domain, in the same region. gRPC through an ALB needs TLS."
  type        = string

  validation {
    condition     = can(regex("^arn:aws[a-z-]*:acm:[a-z0-9-]+:[0-9]{12}:certificate/.+$", var.certificate_arn))
    error_message = "certificate_arn: expected an ARN such as arn:aws:acm:us-east-1:123456789012:certificate/…."
  }
}

variable "vpc_cidr" {
  description = "Addresses of the VPC, a block of /16 to /18 that no network it will be peered with uses."
  type        = string
  default     = "10.64.0.0/16"

  validation {
    condition = (
      can(cidrnetmask(var.vpc_cidr)) &&
      try(tonumber(split("/", var.vpc_cidr)[1]) >= 16 && tonumber(split("/", var.vpc_cidr)[1]) <= 18, false)
    )
    error_message = "vpc_cidr: expected an IPv4 block of /16 to /18 such as 10.64.0.0/16."
  }
}

variable "zones" {
  description = "How many availability zones to spread over."
  type        = number
  default     = 3

  validation {
    condition     = contains([2, 3], var.zones)
    error_message = "zones: expected 2 or 3."
  }
}

variable "zone_names" {
  description = "Names of the zones, to hold them whatever AWS adds or has trouble with; empty: the first of the region."
  type        = list(string)
  default     = []
}

variable "nat_per_zone" {
  description = "One NAT gateway in each zone, so that none depends on another. Otherwise one for all, which costs a third."
  type        = bool
  default     = false
}

variable "interface_endpoints" {
  description = "AWS services reached through an interface endpoint in the VPC rather than the NAT gateway; each costs by the hour and zone."
  type        = set(string)
  default     = ["secretsmanager"]
}

variable "general_nodes" {
  description = "Nodes for everything that needs no GPU: x86 instance types of one size, and how many of them."
  type = object({
    instance_types = list(string)
    min            = number
    max            = number
    disk_gib       = optional(number, 50)
  })
  default = { instance_types = ["m7i.xlarge", "m6i.xlarge"], min = 2, max = 6 }

  validation {
    condition     = var.general_nodes.min >= 1 && var.general_nodes.max >= var.general_nodes.min
    error_message = "general_nodes: expected 1 <= min <= max."
  }
}

variable "gpu_nodes" {
  description = "Nodes for model servers, A10G by default. With min = 0 nothing is paid while no model server runs."
  type = object({
    instance_types = list(string)
    min            = number
    max            = number
    disk_gib       = optional(number, 100)
  })
  default = { instance_types = ["g5.xlarge"], min = 0, max = 4 }

  validation {
    condition     = var.gpu_nodes.min >= 0 && var.gpu_nodes.max >= max(var.gpu_nodes.min, 1)
    error_message = "gpu_nodes: expected 0 <= min <= max, and max of at least 1."
  }
}

variable "addon_versions" {
  description = "Versions of EKS add-ons by name, to hold them; the others get EKS's default for the Kubernetes version."
  type        = map(string)
  default     = {}
}

variable "secrets_kms_key_arn" {
  description = "ARN of a KMS key of your own for the secrets in etcd; null: the key that EKS uses by itself."
  type        = string
  default     = null
}

variable "log_retention_days" {
  description = "How long CloudWatch keeps the logs of the control plane."
  type        = number
  default     = 30
}

variable "table_names" {
  description = "Names of tables by service where they are not NAME-SERVICE: after a restore, which makes a new table. As in ../data."
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
