# Two commands to begin with: `make demo` shows the tool at work, `make test` runs the tests. CI runs `make test`,
# `make interop` and `make floors`.
# Each makes the virtual environment and installs what it needs; nothing has to be there but Python ≥ 3.11.

# Compiled files are kept: without them, each process of the tests would compile everything anew.
unexport PYTHONDONTWRITEBYTECODE

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
FLOORS := build/floors
WORKERS ?= 2
# Tests with servers wait, also for time limits: more processes than processors use that time.
SERVICE_WORKERS ?= 6
# Each run waits until its journal is on the disk: where there is room in memory, these tests keep their files there.
MEMORY := $(shell df -Pk /dev/shm 2>/dev/null | awk 'NR == 2 && $$4 > 1000000 { print "TMPDIR=/dev/shm" }')
SERVICE := tests/unit tests/service
SLOW := tests/process tests/browser tests/cluster tests/benchmarks tests/live
# They wait about half of their time: more processes than processors use it.
SLOW_WORKERS ?= 3

.PHONY: help demo app docs docs-serve test interop floors check lint types js quick slow soak bench live release format clean

help:            ## this list
	@grep -E '^[a-z-]+:.*##' Makefile | sed -E 's/:.*##/ —/'

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "ikpipe needs Python 3.11 or newer; name one: make PYTHON=python3.12 …"; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || apt-get install --yes --quiet python3-venv || \
		{ echo "This Python cannot make virtual environments; install its venv package (Debian: python3-venv)."; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'

$(VENV)/.demo: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --editable '.[emulator]'
	@touch $@

$(VENV)/.dev: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --editable '.[all]' --group dev
	@touch $@ $(VENV)/.demo $(VENV)/.app

$(VENV)/.app: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --editable '.[emulator,widget]' --group app
	@touch $@ $(VENV)/.demo

# The widget is tested in a real browser: the system's Chromium, or what the variable CHROMIUM names.
$(VENV)/.browser: $(VENV)/.dev tests/browsing.py
	@$(BIN)/python tests/browsing.py >/dev/null 2>&1 || \
		{ test "$$(id -u)" = 0 && command -v apt-get >/dev/null && apt-get update --quiet && apt-get install --yes --quiet chromium; } || true
	@$(BIN)/python tests/browsing.py
	@touch $@

# The lowest versions that pyproject.toml allows, in an environment of its own. What they need themselves, and what only
# tests need, comes in its newest version.
$(FLOORS)/.done: pyproject.toml | $(BIN)/python
	rm -rf $(FLOORS)
	$(BIN)/python -m venv $(FLOORS)
	$(FLOORS)/bin/python -m pip install --quiet uv
	$(FLOORS)/bin/uv pip compile --quiet --python $(FLOORS)/bin/python --resolution lowest-direct --all-extras \
		--output-file $(FLOORS)/floors.txt pyproject.toml
	$(FLOORS)/bin/uv pip install --quiet --python $(FLOORS)/bin/python --constraint $(FLOORS)/floors.txt \
		--editable '.[all]' --group quick
	@touch $@

# ESLint and TypeScript for the uploader's scripts, in the versions of the lock file.
$(VENV)/.js/.done: $(wildcard tests/browser/js/*) | $(VENV)/.dev
	@mkdir -p $(VENV)/.js
	cp tests/browser/js/* $(VENV)/.js
	cd $(VENV)/.js && ../bin/npm ci --ignore-scripts --no-audit --no-fund --silent
	@touch $@

# Spark runs on Java: the one that JAVA_HOME or PATH names, else the system's.
$(VENV)/.java: | $(BIN)/python
	@"$${JAVA_HOME:+$$JAVA_HOME/bin/}java" -version >/dev/null 2>&1 || \
		{ test "$$(id -u)" = 0 && command -v apt-get >/dev/null && apt-get update --quiet && apt-get install --yes --quiet default-jre-headless; } || true
	@"$${JAVA_HOME:+$$JAVA_HOME/bin/}java" -version >/dev/null 2>&1 || \
		{ echo "Spark's tests need Java 17 or newer; install it (Debian: default-jre-headless), or name one with JAVA_HOME."; exit 1; }
	@touch $@

demo: $(VENV)/.demo        ## upload a small catalog of pictures to a local ImageKit
	$(BIN)/ikpipe demo

app: $(VENV)/.app          ## the uploader as a page of its own on this machine, with a local ImageKit
	$(BIN)/voila notebooks/Uploader.ipynb --Voila.ip=127.0.0.1 $(APP)

docs: $(VENV)/.dev         ## the documentation's site, in build/docs/site; a warning, such as a link that leads nowhere, is an error
	@$(BIN)/python docs/site/pages.py
	$(BIN)/python -m zensical build --clean --strict --config-file build/docs/zensical.toml
	@$(BIN)/python docs/site/check.py

docs-serve: docs           ## show the site in a browser
	$(BIN)/python -m zensical serve --config-file build/docs/zensical.toml

js: $(VENV)/.js/.done      ## lint and types of the uploader's scripts
	$(BIN)/node $(VENV)/.js/node_modules/eslint/bin/eslint.js --config $(VENV)/.js/eslint.config.js \
		--cache --cache-location $(VENV)/.js/.eslintcache --cache-strategy content ikpipe/widget/static
	$(BIN)/node $(VENV)/.js/node_modules/typescript/bin/tsc --project ikpipe/widget/static \
		--incremental --tsBuildInfoFile $(VENV)/.js/.tsbuildinfo

check: $(VENV)/.dev $(VENV)/.js/.done  ## format, lint, types, and the quick tests, which are those of tests/unit, at the same time
	@$(MAKE) --no-print-directory --jobs 3 lint types js quick

lint: $(VENV)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports

types: $(VENV)/.dev
	$(BIN)/mypy

# Tests are given out in long pieces, and a worker that is done takes from the other: a test takes milliseconds here.
quick: $(VENV)/.dev
	$(MEMORY) $(BIN)/pytest -n $(WORKERS) -q --dist worksteal --hypothesis-profile=quick tests/unit

test: $(VENV)/.browser $(VENV)/.java $(VENV)/.js/.done  ## format, lint, types, and all tests but those of make interop and make soak
	@$(MAKE) --no-print-directory --jobs 2 lint types js docs
	$(MEMORY) $(BIN)/pytest -n $(SERVICE_WORKERS) --dist worksteal --cov --cov-report=term $(SERVICE)
	@$(MAKE) --no-print-directory slow

# The tests of a file share what is slow to start (Spark, Dask, JupyterLab): a file goes to one worker, the longest first.
slow: $(VENV)/.browser $(VENV)/.java  ## the tests with processes, browsers and clusters
	$(BIN)/pytest -n $(SLOW_WORKERS) $(SLOW)

interop: $(VENV)/.browser  ## the tests with clients that others wrote: the official SDKs, jsonwebtoken, rclone
	$(BIN)/pytest -n $(WORKERS) tests/interop

floors: $(FLOORS)/.done    ## tests/unit, tests/service and the demo with the lowest versions that are allowed
	$(MEMORY) $(FLOORS)/bin/pytest -n $(SERVICE_WORKERS) -q --dist worksteal --hypothesis-profile=quick $(SERVICE)
	cd $(FLOORS) && bin/ikpipe demo

release: $(VENV)/.dev $(VENV)/.browser  ## build and check a release in dist/, up to its upload; PYTHONS="python3.12 …" try the wheel
	$(BIN)/python -m pip install --quiet --group release
	$(BIN)/python .ci/release.py $(PYTHONS)
	$(BIN)/pytest -m soak tests/browser/lab/test_wheel_in_lab.py

soak: $(VENV)/.dev $(VENV)/.java    ## the long suites, for many minutes
	$(BIN)/pytest -n $(WORKERS) --dist worksteal -m soak

bench: $(VENV)/.dev $(VENV)/.java   ## all benchmarks; the figures also go into build/benchmarks
	$(BIN)/python tests/benchmarks/bench.py --json build/benchmarks

live: $(VENV)/.demo        ## with an account's keys in the environment: what the real service does where nobody knows
	@$(BIN)/python tests/live/live.py

format: $(VENV)/.dev       ## let ruff put the code in order
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:           ## remove the virtual environment and all caches
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage* .import_linter_cache build
	find ikpipe tests docs -name __pycache__ -prune -exec rm -rf {} +
