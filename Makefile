# `make up` starts everything on a fresh machine; `make test` proves it. `make help` lists the rest.
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3; do command -v $$p >/dev/null 2>&1 && $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
ifeq ($(PYTHON),)
PYTHON := python3
endif
HRX := .venv/bin/hrx
.DEFAULT_GOAL := help
INSTALLED = test -x $(HRX) || { echo "→ make up"; exit 1; }
.PHONY: help up down status logs test lint bench drill format

help: ## this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

up: ## install, build and start everything; harmless when it runs
	@$(PYTHON) deploy/bootstrap.py
	@$(HRX) up

down: ## stop everything, data kept
	@$(INSTALLED)
	@$(HRX) down

status: ## the state of every part
	@$(INSTALLED)
	@$(HRX) status || true

logs: ## the last lines of every part, or of one: make logs PART=api-blue
	@$(INSTALLED)
	@$(HRX) logs $(PART)

test: ## lint, types, contracts, unit, integration, web build, headless browser
	@$(PYTHON) deploy/bootstrap.py --dev
	@.venv/bin/python deploy/prove.py

lint: ## the quick half of the tests: style, types, import contracts
	@$(PYTHON) deploy/bootstrap.py --dev --no-web
	@.venv/bin/python deploy/prove.py --only lint

bench: ## measure; prints medians, ratios and aims: make bench BENCH="directory --people 10000"
	@$(PYTHON) deploy/bootstrap.py --dev
	@.venv/bin/python -m benchmarks $(BENCH)

drill: ## break the system on purpose and measure: make drill DRILL="api-stopped", SUITE=recovery, SUITE=release
	@$(INSTALLED)
	@$(if $(filter recovery release,$(SUITE)),:,$(HRX) drill run $(DRILL) $(if $(DRILL),,--suite $(or $(SUITE),all)) --yes)
	@$(if $(or $(DRILL),$(filter-out recovery,$(SUITE))),:,$(HRX) recover drill --all --yes)
	@$(if $(or $(DRILL),$(filter-out release,$(SUITE))),:,$(HRX) release drill --all --yes)

format: ## format the sources
	@.venv/bin/ruff check --fix -q src tests benchmarks migrations deploy
	@.venv/bin/ruff format -q src tests benchmarks migrations deploy
