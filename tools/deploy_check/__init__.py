"""`make deploy-check`: every combination of manifests is rendered and held against schemas, policies and scanners."""
