#!/bin/sh
# Generates the committed stubs from protos/: messages, typing stubs and gRPC stubs. Run by `make protos`.
set -eu
bin=${VENV:-.venv}/bin
out=${STUBS:-packages/protos/src}
find "$out" -name '*_pb2*' -delete
own=$(cd protos && find adwright -name '*.proto' | sort)
services=$(cd protos && grep -l '^service ' $own)
# validate.proto is compiled too: protovalidate brings its own engine but no module for the options to live in.
"$bin/python" -m grpc_tools.protoc -Iprotos -Iprotos/third_party \
  --plugin=protoc-gen-mypy="$bin/protoc-gen-mypy" \
  --python_out="$out" --mypy_out=quiet:"$out" $own buf/validate/validate.proto
"$bin/python" -m grpc_tools.protoc -Iprotos -Iprotos/third_party \
  --plugin=protoc-gen-mypy_grpc="$bin/protoc-gen-mypy_grpc" \
  --grpc_python_out="$out" --mypy_grpc_out=quiet:"$out" $services
# What the protos say in words, for the OpenAPI document.
described=$(mktemp)
trap 'rm -f "$described"' EXIT
"$bin/python" -m grpc_tools.protoc -Iprotos -Iprotos/third_party \
  --include_source_info --descriptor_set_out="$described" $own google/longrunning/operations.proto
"$bin/python" -m tools.api_comments "$described" \
  "${COMMENTS:-services/gateway/src/adwright_gateway/http/comments.json}"
