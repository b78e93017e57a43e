#!/bin/sh
# Holds the committed stubs against protos/, and protos/ against the API on the main branch. Run by `make lint`.
set -eu
bin=${VENV:-.venv}/bin
fresh=$(mktemp -d)
trap 'rm -rf "$fresh"' EXIT
COMMENTS="$fresh/comments.json" STUBS="$fresh" VENV="${VENV:-.venv}" tools/protos.sh
if ! diff -r -x __pycache__ -x py.typed -x comments.json packages/protos/src "$fresh" ||
  ! diff services/gateway/src/adwright_gateway/http/comments.json "$fresh/comments.json"; then
  echo "packages/protos, or the comments that /docs shows, do not match protos/: run 'make protos' and commit the result" >&2
  exit 1
fi
if git rev-parse --quiet --verify main >/dev/null && git cat-file -e main:buf.yaml 2>/dev/null; then
  "$bin/buf" breaking --against '.git#branch=main'
else
  echo "buf breaking: skipped, there is no branch 'main' to compare with" >&2
fi
