# Everything sets itself up: a machine with Python >= 3.11, pip and make is enough.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
DATABASE ?= file:./mastra.db

.DEFAULT_GOAL := help
.PHONY: help quickstart examples test check bench format constraints clean

help: ## Show this list
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/'

quickstart: $(VENV)/.installed ## Run the main job on the embedded backend
	CONVEX_URL=$(DATABASE) $(BIN)/python examples/quickstart.py

examples: $(VENV)/.developing node_modules/.installed ## Run the agents: one that remembers, two that share a memory
	CONVEX_URL=$(DATABASE) $(BIN)/python examples/langchain_agent.py "How many days are there from 2026-06-24 to 2026-12-24?"
	CONVEX_URL=$(DATABASE) $(BIN)/python examples/langchain_agent.py "And which day is as many days after 2027-03-01?"
	CONVEX_URL=$(DATABASE) $(BIN)/python examples/one_memory/main.py

test: check ## Run all tests, after the checks
	$(BIN)/python -m pytest -n 2 --dist loadgroup

check: $(VENV)/.developing node_modules/.installed ## Lint and type-check Python and TypeScript
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/lint-imports --no-cache
	$(BIN)/mypy
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/npm run --silent check

bench: $(VENV)/.developing node_modules/.installed ## Measure against peers; writes benchmarks/results/
	$(BIN)/python -m benchmarks

format: $(VENV)/.developing ## Format and apply safe fixes
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

constraints: $(VENV)/.developing ## Pin what is installed now
	@echo "# The versions that the tests ran with; installed with pip's -c. Made by 'make constraints'." > constraints.txt
	$(BIN)/python -m pip freeze --exclude-editable | grep -v '@' >> constraints.txt

clean: ## Remove all that was set up
	rm -rf $(VENV) node_modules

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: $(VENV)/bin/python pyproject.toml integrations/langchain/pyproject.toml integrations/llama-index/pyproject.toml constraints.txt
	$(PIP) install -c constraints.txt -e '.[cli]' -e integrations/langchain -e integrations/llama-index
	touch $@

$(VENV)/.developing: $(VENV)/.installed tests/requirements.txt
	$(PIP) install -c constraints.txt -r tests/requirements.txt
	touch $@

node_modules/.installed: $(VENV)/.developing package.json package-lock.json
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/npm ci --no-audit --no-fund --loglevel=error
	touch $@
