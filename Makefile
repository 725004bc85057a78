# `make help` lists what there is. Everything runs in .venv, made from requirements.lock when that changes.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
ARGS ?=

FAULT ?=

.PHONY: help setup triage verify runbook demo demo-down drills drill drill-heal faults test lint bench reference lock clean

help: ## this list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-11s %s\n", $$1, $$2}'

setup: $(READY) ## the virtual environment with the locked dependencies

$(READY): requirements.lock pyproject.toml
	@echo "setup: virtual environment and locked dependencies …"
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed, this is " + sys.version.split()[0]) if sys.version_info < (3, 11) else None'
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install -qq --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/pip install -qq --disable-pip-version-check --no-build-isolation --no-deps -e .
	@ln -sf service-down $(BIN)/pytest
	@ln -sf service-down $(BIN)/py.test
	@$(BIN)/python -m compileall -q $(VENV)/lib >/dev/null || true
	@mkdir -p $(VENV)/namespace/service_down
	@for folder in checks fixtures reports tests_meta; do ln -sfn ../../../$$folder $(VENV)/namespace/service_down/$$folder; done
	@touch $@

triage: $(READY) ## during the incident: name the cause (ARGS="--incident=INC-1 …")
	@$(BIN)/pytest -m triage $(ARGS)

verify: $(READY) ## after recovery: is it over? (ARGS="--wait=120 …")
	@$(BIN)/pytest -m verify $(ARGS)

runbook: $(READY) ## every step of the runbook with the checks that automate it
	@$(BIN)/python -m service_down.checks.framework.runbook

demo: $(READY) ## reference stack up, broken, triaged, repaired, verified
	@$(BIN)/python -m service_down.tests_meta.lab.demo

demo-down: $(READY) ## takes the demo's stack down
	@$(BIN)/python -m service_down.tests_meta.lab down

drills: $(READY) ## the faults that can be practised
	@$(BIN)/python -m service_down.tests_meta.faults list

drill: $(READY) ## gives one fault to the demo stack and triages it (FAULT=name)
	@$(BIN)/python -m service_down.tests_meta.faults drill $(FAULT)

drill-heal: $(READY) ## repairs what the drill broke
	@$(BIN)/python -m service_down.tests_meta.faults drill-heal

faults: $(READY) ## the whole fault matrix, about 20 minutes (FAULT="name …" for some, ARGS=--times=2)
	@$(BIN)/python -m service_down.tests_meta.faults matrix $(FAULT) $(ARGS)

lint: $(READY) ## ruff and mypy
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

test: $(READY) lint ## lint, types and all tests, on a real engine
	@$(BIN)/pytest tests_meta -m "not engine" -n 2 --dist=loadfile -rfEs --tb=short $(ARGS)
	@$(BIN)/pytest tests_meta -m engine -rfEs --tb=short $(ARGS)

bench: $(READY) ## how long triage takes on the demo's stack, and a large report to open
	@$(BIN)/python -m service_down.tests_meta.lab.bench

reference: $(READY) ## the reference documents anew, from the code
	@$(BIN)/python -m service_down.reports.reference

lock: ## requirements.lock anew from pyproject.toml (needs uv)
	uv pip compile pyproject.toml --group dev --universal --generate-hashes --python-version 3.11 --no-header --no-emit-index-url -q -o requirements.lock

clean: ## removes the virtual environment and reports
	rm -rf $(VENV) reports/out/2* reports/out/latest
