# The commands of the repository; each sets up what it needs and is safe to repeat.
.DEFAULT_GOAL := help
SHELL := /bin/bash
export PATH := $(CURDIR)/.venv/bin:$(PATH)
BIN := .venv/bin
READY := .venv/.ready
LOCK := $(BIN)/uv pip compile --generate-hashes --no-header --no-annotate --quiet

.PHONY: help demo test check lock clean setup bench-deploy bench-listing bench-fsck test-unit test-fleet

help: ## Say what there is
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 22

demo: setup ## From nothing to two models answering on a fleet on this machine
	@examples/demo.sh

test: test-unit test-fleet ## Every test, those on a local fleet too

test-unit: setup
	$(BIN)/pytest -n 2 -q -m "not fleet"

test-fleet: setup
	$(BIN)/pytest -v -m fleet

check: setup ## Linters and types
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/yamllint --strict .
	$(BIN)/ansible-lint --offline --profile production -qq

bench-deploy: setup ## How long a deploy takes, first and again
	$(BIN)/python -m benchmarks.deploy

bench-listing: setup ## How long a list of 10,000 versions takes
	$(BIN)/python -m benchmarks.listing

bench-fsck: setup ## How fast a store is verified, beside sha256sum
	$(BIN)/python -m benchmarks.fsck

lock: setup ## Resolve the lock files anew
	$(LOCK) pyproject.toml --all-extras --group dev --universal --python-version 3.11 --upgrade \
	    --no-emit-package modelfleet-service -o requirements.lock
	for python in 3.11 3.13; do \
	    $(LOCK) service/pyproject.toml --python-version $$python --python-platform x86_64-manylinux_2_28 --upgrade \
	        --no-emit-package numpy -o service/requirements-$$python.lock || exit 1; \
	done

clean: ## Remove the virtual environment and the local fleet
	if [ -x $(BIN)/modelfleet ]; then $(BIN)/modelfleet down; fi
	rm -rf .venv

setup: $(READY)

$(READY): requirements.lock pyproject.toml service/pyproject.toml set-up.sh
	@./set-up.sh
