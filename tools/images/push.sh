#!/bin/sh
# Tags the images of VERSION (the release's when left out) for a registry, logs in where it is ECR, and pushes.
# Run by `make push`.
set -eu
: "${REGISTRY:?names where images go: make push REGISTRY=123456789012.dkr.ecr.eu-central-1.amazonaws.com}"
services='gateway context generator evaluator'
engine=${ENGINE:-}
for known in docker podman; do
  if [ -z "$engine" ] && command -v "$known" >/dev/null && "$known" info >/dev/null 2>&1; then engine=$known; fi
done
[ -n "$engine" ] || { echo "no container engine answers (neither docker nor podman): start Docker, or install podman" >&2; exit 1; }
version=${VERSION:-$(sed -n 's/^version = "\(.*\)"/\1/p' services/gateway/pyproject.toml)}

for service in $services; do
  "$engine" image inspect "adwright-$service:$version" >/dev/null 2>&1 || {
    echo "there is no image adwright-$service:$version: make images${VERSION:+ VERSION=$VERSION}" >&2
    exit 1
  }
done
case $REGISTRY in
*.dkr.ecr.*.amazonaws.com*)
  region=${REGISTRY#*.dkr.ecr.}
  region=${region%%.*}
  command -v aws >/dev/null || { echo "ECR needs the AWS command line: install awscli" >&2; exit 1; }
  aws ecr get-login-password --region "$region" | "$engine" login --username AWS --password-stdin "${REGISTRY%%/*}"
  ;;
esac
for service in $services; do
  target=${REGISTRY%/}/adwright/$service:$version
  "$engine" tag "adwright-$service:$version" "$target"
  "$engine" push "$target" || {
    echo "push failed, see above; where tags cannot be overwritten and $version is there: build and push another VERSION=…" >&2
    exit 1
  }
done
