# Everything runs from here, and each command does its own set-up in .venv:
#
#   make run ARGS="--jets JETS.root --model MODEL.pth --definitions DEFINITIONS.yml"
#   make test [ARGS="tests/app -k scene"]
#   make sample     the jets and the network that come along, made again from nothing
#   make bench [ARGS="--threads 1"]   how fast jets are explained, beside other tools
#   make audit      what is known against the versions of constraints.txt; needs the internet
#   make lint, make format, make wheel, make clean
#
# It needs GNU make and Python 3.11 or newer: make PYTHON=python3.12 test

PYTHON ?= python3
ARGS ?=

# What `make test` installs: with TEST_EXTRAS=test,simulate the simulation is tested too.
TEST_EXTRAS ?= test

VENV := .venv
READY_TEST := $(VENV)/ready-test$(TEST_EXTRAS:test%=%)
BIN := $(VENV)/bin
PIP_INSTALL := $(BIN)/python -m pip install --disable-pip-version-check -c constraints.txt
NEWS_ONLY := sed '/^Requirement already satisfied/d'

SHELL := bash

.DEFAULT_GOAL := help
.PHONY: help run test sample bench audit lint format wheel clean

help:
	@sed -n 's/^#   //p' Makefile

run: $(VENV)/ready
	$(BIN)/jetlrp serve $(ARGS)

test: $(READY_TEST)
	$(BIN)/python -m pytest $(ARGS)

SAMPLE := build/sample

sample: $(VENV)/ready-simulate
	@echo "Makes jets and a network in $(SAMPLE); this takes about half an hour on two cores."
	mkdir -p $(SAMPLE)
	$(BIN)/jetlrp simulate --signal 1000 --background 1000 --seed 2001 --processes 2 \
	  --out $(SAMPLE)/simulated_jets.root
	$(BIN)/python -m lrp_core.simulation.jet_file lrp_core/sample/simulated_jets.root \
	  $(SAMPLE)/simulated_jets.root
	$(BIN)/jetlrp simulate --signal 13000 --background 13000 --seed 1001 --processes 2 \
	  --out $(SAMPLE)/train.root
	$(BIN)/jetlrp train $(SAMPLE)/train.root --out $(SAMPLE)/interaction_network.pth \
	  --epochs 6 --seed 0
	$(BIN)/jetlrp evaluate $(SAMPLE)/interaction_network.pth $(SAMPLE)/simulated_jets.root
	$(BIN)/jetlrp evaluate lrp_core/sample/interaction_network.pth $(SAMPLE)/simulated_jets.root

# An environment of its own: the rivals bring packages that are no part of the project. Where they
# cannot be installed, the table says so and has the rest.
BENCH := build/bench

bench: $(BENCH)/ready
	$(BENCH)/bin/python benchmarks/speed.py $(ARGS)

$(BENCH)/ready: pyproject.toml constraints.txt benchmarks/rivals.txt
	$(PYTHON) -m venv --clear $(BENCH)
	@set -o pipefail; $(BENCH)/bin/python -m pip install --disable-pip-version-check \
	  -c constraints.txt -e . | $(NEWS_ONLY)
	@set -o pipefail; $(BENCH)/bin/python -m pip install --disable-pip-version-check \
	  -c constraints.txt -r benchmarks/rivals.txt | $(NEWS_ONLY) || \
	  echo "Not all rivals could be installed; the table has the others."
	@touch $@

# An environment of its own, too: pip-audit is no part of the project, and brings much along.
AUDIT := build/audit

audit: $(AUDIT)/ready
	$(AUDIT)/bin/pip-audit --requirement constraints.txt --no-deps --disable-pip --strict --timeout 20

$(AUDIT)/ready:
	$(PYTHON) -m venv --clear $(AUDIT)
	@set -o pipefail; $(AUDIT)/bin/python -m pip install --disable-pip-version-check \
	  'pip-audit>=2.9' | $(NEWS_ONLY)
	@touch $@

lint: $(VENV)/ready-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/codespell
	@command -v npm >/dev/null || { echo "The page's scripts were not looked at: that takes npm" >&2; \
	  exit 1; }
	@$(MAKE) --no-print-directory node_modules/ready
	node_modules/.bin/eslint assets tests/node
	node_modules/.bin/tsc -p .

# eslint and tsc; without a lock file, which would have addresses of wherever they came from.
node_modules/ready: package.json
	npm install --no-package-lock --ignore-scripts --no-audit --no-fund
	@touch $@

format: $(VENV)/ready-dev
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

wheel: $(VENV)/ready-dev
	rm -rf dist
	$(BIN)/python -m build --no-isolation --wheel

clean:
	rm -rf $(VENV) node_modules build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find app lrp_core tests -name __pycache__ -type d -prune -exec rm -rf {} +

# One stamp for each set of dependencies, so that `make run` does not install what only the tests
# need. They are made anew when the project's dependencies or their versions change.
$(VENV)/made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "jetlrp needs Python 3.11 or newer; $(PYTHON) is" \
	    "$$($(PYTHON) --version 2>&1). Name another: make PYTHON=python3.11 ..." >&2; exit 1; }
	@echo "Setting up .venv (the first time takes a few minutes)"
	@$(PYTHON) -m venv --clear $(VENV) || { rm -rf $(VENV); \
	  echo "Python could not make a virtual environment; on Debian and Ubuntu:" \
	    "apt install python3-venv" >&2; exit 1; }
	@touch $@

$(VENV)/ready: $(VENV)/made pyproject.toml constraints.txt
	@set -o pipefail; $(PIP_INSTALL) -e . | $(NEWS_ONLY)
	@touch $@

$(READY_TEST): $(VENV)/made pyproject.toml constraints.txt
	@set -o pipefail; $(PIP_INSTALL) -e '.[$(TEST_EXTRAS)]' | $(NEWS_ONLY)
	@touch $@ $(VENV)/ready

$(VENV)/ready-simulate: $(VENV)/made pyproject.toml constraints.txt
	@set -o pipefail; $(PIP_INSTALL) -e '.[simulate]' | $(NEWS_ONLY)
	@touch $@ $(VENV)/ready

$(VENV)/ready-dev: $(VENV)/made pyproject.toml constraints.txt
	@set -o pipefail; $(PIP_INSTALL) -e '.[dev]' | $(NEWS_ONLY)
	@touch $@ $(VENV)/ready-test $(VENV)/ready
