# Everything a newcomer or a maintainer does. Each target works alone on a machine with python3.11+, make and git.
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
UV_VERSION := $(shell sed -n 's/^uv==\([0-9.]*\).*/\1/p' requirements.lock)

.DEFAULT_GOAL := help
.PHONY: help demo ui test lint bench docs lock browser postgres spark clean

help:  ## what there is to make
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST)

$(READY): requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed: install it, or name it with PYTHON=/path/to/python3.11"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m uv --version >/dev/null 2>&1 || $(BIN)/python -m pip install -q --disable-pip-version-check uv
	@$(BIN)/python -m uv pip sync -q --python $(BIN)/python --require-hashes requirements.lock
	@$(BIN)/python -m uv pip install -q --python $(BIN)/python --no-deps -e .
	@touch $@

demo: $(READY)  ## a simulated company, from its Stripe account to dashboards and a database
	@$(BIN)/revenue demo

ui: $(READY)  ## the Dagster UI, offline, on loopback
	@$(BIN)/revenue ui

browser: $(READY)  ## find a Chromium for the browser tests, or install one
	@$(BIN)/python -m tests.browser

postgres: $(READY)  ## find a PostgreSQL for the tests of its store, or install one
	@$(BIN)/python -m tests.postgres

spark: $(READY)  ## Apache Spark, where a Java is found
	@! command -v java >/dev/null || $(BIN)/python -m uv pip install -q --python $(BIN)/python --require-hashes -r requirements-spark.lock

# The many processes of a run compile the program once, not each for itself as some containers would have it.
test: export PYTHONDONTWRITEBYTECODE =
test: $(READY) browser postgres spark  ## the whole test suite, browser tests included
	@$(BIN)/python -m pytest -n 3 --dist loadgroup --no-loadscope-reorder

lint: $(READY)  ## format, lint, types, the rule of the rooms, dependencies
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/deptry .

bench: $(READY)  ## measure extraction, models, memory and disk
	@$(BIN)/python -m benchmarks

docs: $(READY)  ## regenerate what is generated in docs/
	@$(BIN)/revenue dictionary --output docs/data-dictionary.md
	@$(BIN)/revenue rules-schema --output billing/rules.schema.json
	@$(BIN)/revenue catalog-schema --output billing/catalog/catalog.schema.json

lock: $(READY)  ## pin again after pyproject.toml changed
	@$(BIN)/python -m uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --extra dev pyproject.toml -o requirements.lock
	@sed -n 's/^spark = \["\(.*\)"\]$$/\1/p' pyproject.toml | $(BIN)/python -m uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header - -o requirements-spark.lock

clean:  ## remove the environment and everything generated
	@rm -rf $(VENV) var .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
