# The same tables as `python -m adwright_SERVICE admin create-table` makes; tests/integration/test_terraform.py compares
# the two. On demand, one key of two strings, no index: the stores need none.

locals {
  table_services = toset(["context", "evaluator", "gateway"])
}

resource "aws_dynamodb_table" "service" {
  for_each = local.table_services

  name                        = lookup(var.table_names, each.key, "${var.name}-${each.key}")
  billing_mode                = "PAY_PER_REQUEST"
  hash_key                    = "pk"
  range_key                   = "sk"
  deletion_protection_enabled = var.deletion_protection

  attribute {
    name = "pk"
    type = "S"
  }

  attribute {
    name = "sk"
    type = "S"
  }

  ttl {
    attribute_name = "expires_at"
    enabled        = true
  }

  point_in_time_recovery {
    enabled = true
  }

  # Without a server_side_encryption block a table is encrypted by a key that AWS owns.
}
