# Every verb brings what it needs: a machine with Python 3.11 or newer, make and a network is enough.
# The environment is .venv, made from uv.lock; servers and data go to .casegold.

PYTHON ?= python3
RUN := .venv/bin/
# A real PostgreSQL and a real Kafka for each of up to four processes. A test waits for a third of its time: one process
# more than processors.
JOBS ?= $(shell $(PYTHON) -c 'import os; print(min((os.cpu_count() or 1) + 1, 4))')
TESTS := $(RUN)pytest -n $(JOBS) --dist worksteal
UV := $(shell command -v uv 2>/dev/null || echo .venv-uv/bin/uv)

.DEFAULT_GOAL := help
.PHONY: help demo test test-all coverage mutants soak chaos dev check format bench settings architecture asyncapi manifest-page wheel clean
N ?= 200
ONLY ?= *
MUTANTS ?= *
MUTANT_SERVERS ?= /tmp/casegold-mutant-servers

help: ## Show the verbs.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: .venv/.synced ## From nothing to published figures: servers, simulated and real events, sensors, reports. Ends by itself.
	$(RUN)casegold demo

test: .venv/.synced ## All tests but a part of the crash matrix: all of what changed, and a sample that moves with each commit.
	$(TESTS) --sample=$(or $(SEED),commit) --sample-base=$(BASE)

test-all: .venv/.synced ## All tests.
	SOAK_KILLS=$(or $(SOAK_KILLS),10) $(TESTS)

# What is measured is the core; tests in processes of their own count, too.
COVERED ?= tests/domain tests/source tests/transform tests/quality tests/control tests/sink tests/report tests/breach_metrics
coverage: .venv/.synced ## Which lines of the core the tests of COVERED= reach; the page is .coverage.d/index.html.
	rm -rf .coverage.d && mkdir .coverage.d
	$(RUN)coverage run -m pytest -q $(COVERED)
	$(RUN)coverage combine --quiet
	$(RUN)coverage html --quiet
	$(RUN)coverage report --sort=cover --skip-covered

mutants: .venv/.synced ## Change the gate, planner and codec in small ways; tests must notice. ONLY='*3' takes those numbered so.
	rm -rf mutants
	HYPOTHESIS_PROFILE=ci TEST_SERVERS=$(MUTANT_SERVERS) $(RUN)mutmut run --max-children 1 '$(MUTANTS)__mutmut_$(ONLY)'
	CASEGOLD_HOME=$(MUTANT_SERVERS) $(RUN)casegold down
	$(RUN)mutmut results

chaos: .venv/.synced ## Kill and freeze processes of a real `casegold dev` N times (N=200, SEED=); everything must agree at the end.
	CHAOS_FAULTS=$(N) CHAOS_SEED=$(SEED) $(RUN)pytest -s tests/crash/test_chaos.py

soak: .venv/.synced ## Kill a worker N times (N=200) at random instants; figures must come out as if nothing had happened.
	SOAK_KILLS=$(N) $(RUN)pytest -s tests/crash/test_random_kills.py

dev: .venv/.synced ## Servers, Dagster's UI and daemon, relay; Ctrl-C ends it.
	$(RUN)casegold dev

check: .venv/.synced ## Format, lint, types, import contracts, dead code, links and commands of the pages.
	$(RUN)ruff format --check
	$(RUN)ruff check
	$(RUN)mypy
	$(RUN)lint-imports
	$(RUN)vulture
	$(RUN)pytest -q --noconftest tests/docs

format: .venv/.synced ## Put the code into its format.
	$(RUN)ruff format
	$(RUN)ruff check --fix

bench: .venv/.synced ## Measure ingest and snapshots; results as JSON.
	$(RUN)python -m benchmarks

settings: .venv/.synced ## Write docs/settings.md anew.
	$(RUN)python -m casegold.reference.settings_page > docs/settings.md

architecture: .venv/.synced ## Draw the picture in ARCHITECTURE.md anew.
	$(RUN)python -m tests.docs.architecture

asyncapi: .venv/.synced ## Write contracts/asyncapi.yaml anew.
	$(RUN)python -m casegold.reference.asyncapi > contracts/asyncapi.yaml

manifest-page: .venv/.synced ## Write docs/run-manifest.md anew.
	$(RUN)python -m casegold.reference.run_manifest_page > docs/run-manifest.md

wheel: $(filter .venv-uv/%,$(UV)) ## Build the wheel into dist.
	$(UV) build --wheel --out-dir dist

clean: ## Remove the environment; servers and data stay.
	rm -rf .venv .venv-uv

.venv/.synced: pyproject.toml uv.lock $(filter .venv-uv/%,$(UV))
	$(UV) sync --frozen --compile-bytecode
	@touch $@

.venv-uv/bin/uv:
	$(PYTHON) -m venv .venv-uv
	.venv-uv/bin/pip install --quiet 'uv>=0.9,<1'
