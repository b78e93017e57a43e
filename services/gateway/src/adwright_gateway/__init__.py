"""The public edge: keys, tenants, and one address for all services."""
