#!/bin/sh
# Resolves requirements/*.txt: pinned, hashed, without addresses. Run by `make requirements`.
set -eu
bin=${VENV:-.venv}/bin
own=$(sed -n 's/^adwright-\([a-z]*\) = .*/--no-emit-package adwright-\1/p' pyproject.toml)
compile() {
  out=$1
  shift
  # shellcheck disable=SC2086 # one word a flag
  "$bin/uv" pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
    --no-annotate --custom-compile-command "make requirements" $own -o "requirements/$out.txt" "$@"
}
# What is tested is what is shipped: everything else takes the versions that the whole workspace runs with.
compile dev requirements/dev.in packages/*/pyproject.toml services/*/pyproject.toml
for service in gateway context generator evaluator; do
  compile "$service" -c requirements/dev.txt "services/$service/pyproject.toml"
done
compile client -c requirements/dev.txt packages/client/pyproject.toml
compile build -c requirements/dev.txt requirements/build.in
# In an environment of its own, which agrees with nobody.
compile scanners requirements/scanners.in
"$bin/uv" pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-deps \
  --custom-compile-command "make requirements" -o requirements/model.txt requirements/model.in
