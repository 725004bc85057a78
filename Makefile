# `make help` lists what there is. Everything runs in .venv: a run needs what is in requirements.lock, the suite's own tests
# and tools also what is in requirements-dev.lock. Each is installed when it is needed first, and when it has changed.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
READY_DEV := $(VENV)/.ready-dev
READY_MUTANTS := $(VENV)/.ready-mutants
# -I: no variable and no folder of the user's adds modules. Wheels only: nothing of a package is executed to install it.
INSTALL := $(BIN)/python -I -m pip install -qq --disable-pip-version-check --only-binary :all:
UV ?= uv
LOCK := pip compile pyproject.toml --universal --generate-hashes --python-version 3.11 --no-header --no-emit-index-url -q
ARGS ?=

FAULT ?=

.PHONY: help setup triage verify prevent runbook demo demo-down drills drill drill-heal faults chaos soak test lint fuzz mutants bench reference secrets-figures lock clean

help: ## this list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-15s %s\n", $$1, $$2}'

setup: $(READY) ## the virtual environment with what a run needs, as locked

$(READY): requirements.lock pyproject.toml Makefile fixtures/run/launcher.py
	@echo "setup: virtual environment and the locked dependencies of a run …"
	@$(PYTHON) -I -c 'import sys; sys.exit("Python 3.11 or newer is needed, this is " + sys.version.split()[0]) if sys.version_info < (3, 11) else None'
	@$(PYTHON) -I -m venv $(VENV)
	@$(INSTALL) --require-hashes -r requirements.lock
	@$(INSTALL) --no-build-isolation --no-deps -e .
	@if head -n 1 $(BIN)/service-down | grep -q '^#!.*/python[0-9.]*$$'; then \
		sed "1s|.*|$$(head -n 1 $(BIN)/service-down) -ISXutf8|" fixtures/run/launcher.py > $(BIN)/service-down.new && \
		chmod 755 $(BIN)/service-down.new && mv $(BIN)/service-down.new $(BIN)/service-down; fi
	@ln -sf service-down $(BIN)/pytest
	@ln -sf service-down $(BIN)/py.test
	@$(BIN)/python -I -m compileall -q $(VENV)/lib >/dev/null || true
	@mkdir -p $(VENV)/namespace/service_down
	@for folder in checks fixtures reports tests_meta; do ln -sfn ../../../$$folder $(VENV)/namespace/service_down/$$folder; done
	@touch $@

$(READY_DEV): $(READY) requirements-dev.lock
	@echo "setup: the locked dependencies of the tests and tools …"
	@$(INSTALL) --require-hashes -r requirements-dev.lock
	@$(BIN)/python -I -m compileall -q $(VENV)/lib >/dev/null || true
	@touch $@

$(READY_MUTANTS): $(READY_DEV) requirements-mutants.lock
	@echo "setup: the locked dependencies of mutation testing …"
	@$(INSTALL) --require-hashes -r requirements-mutants.lock
	@touch $@

triage: $(READY) ## during the incident: name the cause (ARGS="--incident=INC-1 …")
	@$(BIN)/pytest -m triage $(ARGS)

verify: $(READY) ## after recovery: is it over? (ARGS="--wait=120 …")
	@$(BIN)/pytest -m verify $(ARGS)

prevent: $(READY) ## after an incident: what in the set-up makes the next one likely? (ARGS="--service=web …")
	@$(BIN)/pytest -m prevent $(ARGS)

runbook: $(READY) ## every step of the runbook with the checks that automate it
	@$(BIN)/python -I -m service_down.checks.framework.runbook

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

chaos: $(READY) ## broken machines, engines and stores, into reference/chaos.md (ARGS="name …" for some, without the document)
	@$(BIN)/python -m service_down.tests_meta.chaos $(ARGS)

soak: $(READY) ## many healthy runs in a row, compared, into reference/soak.md (ARGS="--runs=2000")
	@$(BIN)/python -m service_down.tests_meta.chaos.soak $(ARGS)

lint: $(READY_DEV) ## ruff and mypy
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

test: $(READY_DEV) lint ## lint, types and all tests, on a real engine
	@$(BIN)/pytest tests_meta -m "not engine" -n 2 --dist=loadfile -rfEs --tb=short $(ARGS)
	@$(BIN)/pytest tests_meta -m engine -rfEs --tb=short $(ARGS)

fuzz: $(READY_DEV) ## random answers, texts and files for everything that reads them (ARGS="--minutes=10 redaction …")
	@$(BIN)/python -m service_down.tests_meta.fuzz $(ARGS)

mutants: $(READY_MUTANTS) ## which small mistakes in the code no test notices (ARGS="checks/judges/alerts.py …")
	@$(BIN)/python -m service_down.tests_meta.mutants $(ARGS)

bench: $(READY_DEV) ## how long triage takes on the demo's stack, and a large report to open
	@$(BIN)/python -m service_down.tests_meta.lab.bench

reference: $(READY_DEV) ## the reference documents anew, from the code
	@$(BIN)/python -m service_down.reports.reference

secrets-figures: $(READY_DEV) ## how many secrets leak and how many harmless lines are lost, into reference/redaction.md
	@$(BIN)/python -m service_down.tests_meta.fixtures.secrets.figures

lock: ## all locks anew from pyproject.toml (needs uv; ARGS=--upgrade for newer versions)
	@$(UV) $(LOCK) --group install $(ARGS) -o requirements.lock
	@$(UV) $(LOCK) --group dev -c requirements.lock $(ARGS) -o requirements-dev.lock
	@$(UV) $(LOCK) --group mutants -c requirements-dev.lock $(ARGS) -o requirements-mutants.lock

clean: ## removes the virtual environment and reports
	rm -rf $(VENV) reports/out/2* reports/out/latest
