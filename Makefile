# Everything runs from .venv, which `make setup` builds from the lock file alone.
.DEFAULT_GOAL := help
PYTHON ?= python3.11
BIN := .venv/bin
STAMP := .venv/.complete

# make demo CASES=200 EXIT=1 SPEED=600 DATA=folder
DEMO := $(if $(CASES),--cases $(CASES)) $(if $(EXIT),--exit) $(if $(SPEED),--speed $(SPEED)) $(if $(DATA),--data $(DATA))

.PHONY: help setup demo test unit lint chaos bench clean

help: ## What there is
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

setup: $(STAMP) ## Build .venv with everything pinned, and .venv/bin/noveto

$(STAMP): requirements.lock pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $(STAMP)

demo: $(STAMP) ## Play a working day on a real broker and database: CASES=200 EXIT=1 SPEED=600
	@$(BIN)/python -m deploy.demo $(DEMO)

test: $(STAMP) ## Every test, those on real Kafka and PostgreSQL too
	$(BIN)/python -m pytest -n 2 --dist loadfile

unit: $(STAMP) ## The fast loop: seconds
	$(BIN)/python -m pytest tests/unit -q

lint: $(STAMP) ## Format, lint, types, and the arrows between the folders
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

chaos: $(STAMP) ## The long form of the chaos suite: 20 minutes of faults
	$(BIN)/python -m tests.chaos.run --minutes 20

bench: $(STAMP) ## Programs that print figures
	$(BIN)/python -m tests.bench.core
	$(BIN)/python -m tests.bench.throughput

clean: ## Remove what was built; nothing else
	rm -rf .venv build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
