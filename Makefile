# Everything here needs only make and Python 3.11 or 3.12; the rest is fetched into .venv.

.DEFAULT_GOAL := help

# A version manager may leave commands that exist and do not run, so each candidate is asked.
CANDIDATES := python3.11 python3.12 python3 python
PYTHON ?= $(shell for p in $(CANDIDATES); do \
	$$p -c 'import sys, ensurepip, ssl, sqlite3, venv; sys.exit(sys.version_info[:2] not in ((3, 11), (3, 12)))' \
	>/dev/null 2>&1 && command -v $$p && break; done)

VENV := .venv
# Windows keeps an environment's commands in another folder.
SCRIPTS := $(if $(filter Windows_NT,$(OS)),Scripts,bin)
BIN := $(VENV)/$(SCRIPTS)
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
# The pinned set of the interpreter inside .venv (read when a recipe runs).
PINS = constraints/all-py$$($(BIN)/python -c 'import sys; print("%d%d" % sys.version_info[:2])').txt
HAVE_VENV := $(VENV)/.made
HAVE_DEMO := $(VENV)/.demo-ready
HAVE_ALL := $(VENV)/.all-ready
# Zipline keeps pandas below 3, newer vectorbt wants it above: that pair has its own environment.
VENV3 := .venv-pandas3
PIP3 := $(VENV3)/$(SCRIPTS)/python -m pip --disable-pip-version-check --quiet
HAVE_PANDAS3 := $(VENV3)/.ready
# So have the other Pythons that the package names: the gate and what it speaks to run there.
OTHERS := 3.12 3.13
TEST_OTHERS := $(OTHERS:%=test-python-%)
ON_OTHERS := $(addprefix tests/,words gate exchange client)
# The wheel has one too, and so have the tools of a release.
VENVW := .venv-wheel
AWAY := build/wheel
ON_WHEEL := $(addprefix tests/,words market exchange client gate parity backtrader house/test_public_names.py)
VENVR := .venv-release
HAVE_RELEASE := $(VENVR)/.ready
INPUTS := pyproject.toml $(wildcard constraints/all-*.txt) constraints/public-client.txt

.PHONY: help install gateway demo pictures test test-gate browser nats-server relay-campaign test-vectorbt test-vectorbt-pandas3 $(TEST_OTHERS) check fix bench docs build test-wheel sbom audit cost clean constraints fault-campaign soak mutants

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-22s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: $(HAVE_ALL) ## Make .venv with everything, pinned

demo: $(HAVE_DEMO) ## One strategy, simulated and then dispatched, on real prices
	$(BIN)/sim2live demo

gateway: $(HAVE_DEMO) ## A paper gateway and its page on http://127.0.0.1:8080
	$(BIN)/sim2live gateway $(ARGS)

# The plus lets the progress be seen where make keeps the output of other parts together.
test: $(HAVE_ALL) browser nats-server $(if $(ARGS),,test-gate test-vectorbt test-vectorbt-pandas3 $(TEST_OTHERS)) ## Run all tests
	+$(BIN)/python -m pytest -n 2 --dist loadscope $(or $(ARGS),$(addprefix --ignore=,$(OF_GATE) tests/vectorbt))

# These two rooms prove the gate's decisions; nothing else is traced, for tracing is slow.
OF_GATE := tests/words tests/gate
test-gate: $(HAVE_ALL) ## Run the gate's tests; fails when a branch of its decisions is not taken
	$(BIN)/python -m pytest -q -n 2 --dist loadscope --cov --cov-report=term $(OF_GATE)

# Most of their time goes into compiling, which two processes would do twice. What is compiled
# here stays on disk for the sweeps and notebooks among the other tests.
test-vectorbt: $(HAVE_ALL) ## Run the vectorbt tests
	$(BIN)/python -m pytest -q tests/vectorbt

test-vectorbt-pandas3: $(HAVE_PANDAS3) ## Run the vectorbt tests on vectorbt 1.2 and pandas 3
	$(VENV3)/$(SCRIPTS)/python -m pytest -q tests/vectorbt

$(TEST_OTHERS): test-python-%: .venv-%/.ready
	@if [ -f $< ]; then $(<D)/$(SCRIPTS)/python -m pytest -q $(ON_OTHERS); \
		else echo "Python $* is missing here: nothing was tested on it"; fi

# One at a time: these two may be made side by side, and apt-get does not wait for another one.
FETCH = [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1 && \
	echo "Fetching $(1) for the tests (once)" && flock Makefile sh -c \
	"apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $(1) >/dev/null"

# The Activity page is tested in a real browser. Where it cannot be fetched, its tests say so.
browser:
	@command -v chromium >/dev/null 2>&1 || { $(call FETCH,chromium); } || \
		echo "Chromium is missing: the tests of the Activity page will say so (on Debian: apt-get install chromium)"

# The relay is tested with a real server between two hosts. Without one, its tests say so.
nats-server:
	@command -v nats-server >/dev/null 2>&1 || test -x /usr/sbin/nats-server || \
		{ $(call FETCH,nats-server); } || \
		echo "nats-server is missing: the tests of the relay will say so (on Debian: apt-get install nats-server)"

check: $(HAVE_ALL) ## Lint, format, types, layers and pins; changes nothing
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -q tests/house/test_layers.py tests/house/test_bans.py tests/house/test_house_rules.py

fix: $(HAVE_ALL) ## Format, and repair what lint can repair
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(HAVE_ALL) ## Measure against bounds taken in the same round
	$(BIN)/python benchmarks/run.py --json benchmarks/results/latest.json $(ARGS)
	$(BIN)/python benchmarks/vectorbt_rows.py --json benchmarks/results/vectorbt.json
	$(BIN)/python benchmarks/playground_rows.py --json benchmarks/results/playground.json
	$(BIN)/python benchmarks/nats_rows.py --json benchmarks/results/nats.json
	$(BIN)/python benchmarks/sweep_rows.py --json benchmarks/results/sweep.json
	$(BIN)/python benchmarks/zipline_rows.py --json benchmarks/results/zipline.json
	$(BIN)/python benchmarks/cost.py --json benchmarks/results/cost.json

cost: $(HAVE_ALL) ## Measure where the time of an order goes, for the page of costs
	$(BIN)/python benchmarks/cost.py --json docs/order-cost.json
	$(BIN)/python docs/make_cost.py

docs: $(HAVE_ALL) browser pictures ## Make the pictures and build the pages into site/
	$(PIP) install -c $(PINS) 'sim2live[docs]'
	$(BIN)/mkdocs build --strict

pictures: $(HAVE_ALL)
	$(BIN)/python docs/make_architecture.py
	$(BIN)/python docs/make_cost.py
	@if command -v chromium >/dev/null 2>&1 || command -v chromium-browser >/dev/null 2>&1; then \
		for made in pictures activity_pictures page_pictures; do $(BIN)/python docs/make_$$made.py >/dev/null || exit 1; done; \
		else echo "Chromium is missing: the screenshots stay as they are"; fi

build: $(HAVE_ALL) ## Build and check the wheel and the source archive in dist/
	rm -rf dist
	$(BIN)/python -m build --no-isolation
	$(BIN)/twine check --strict dist/*

# The wheel in an environment of its own, tested from a folder where the sources cannot be imported.
test-wheel: build ## Run tests on the built wheel, far from the sources
	rm -rf $(VENVW) $(AWAY) && mkdir -p $(AWAY)
	$(PYTHON) -m venv $(VENVW)
	$(VENVW)/$(SCRIPTS)/python -m pip --disable-pip-version-check --quiet install -c $(PINS) \
		"$$(echo dist/*.whl)[gateway,backtrader,alerts,dev]"
	cp -r tests examples pyproject.toml $(AWAY)
	cd $(AWAY) && ../../$(VENVW)/$(SCRIPTS)/python -c \
		"import pathlib, sim2live; assert 'site-packages' in pathlib.Path(sim2live.__file__).parts"
	cd $(AWAY) && ../../$(VENVW)/$(SCRIPTS)/python -m pytest -q -p no:cacheprovider $(ON_WHEEL) $(ARGS)

sbom: $(HAVE_ALL) $(HAVE_RELEASE) ## List what is depended on, with licences: dist/sbom.json, dist/licences.md
	mkdir -p dist
	$(VENVR)/$(SCRIPTS)/cyclonedx-py environment --output-reproducible -o dist/sbom.json $(BIN)/python
	$(VENVR)/$(SCRIPTS)/pip-licenses --python=$(BIN)/python --with-urls --format=markdown --output-file=dist/licences.md

# Strict: a package that could not be asked about is no package without faults.
audit: $(HAVE_RELEASE) ## Ask the public database for known faults of the pinned versions
	@for pins in $(wildcard constraints/all-*.txt constraints/everything-*.txt constraints/vectorbt-*.txt); do \
		echo "$$pins"; \
		$(VENVR)/$(SCRIPTS)/pip-audit --strict --no-deps --disable-pip --progress-spinner=off -r $$pins || { \
		echo "Faults were found, or the database could not be reached from here: the lines above say which."; \
		exit 1; }; done

fault-campaign: $(HAVE_ALL) ## Ten thousand seeded sequences of faults, kills and restarts
	$(BIN)/python -m tests.campaign.run $(ARGS)
	$(BIN)/python tests/campaign_zipline.py --seeds 50

relay-campaign: $(HAVE_ALL) nats-server ## The same on two hosts: broker, relays and strategies die at random
	$(BIN)/python -m tests.relay.run $(ARGS)

soak: $(HAVE_ALL) ## A million signals, a million replayed bars: does memory grow?
	$(BIN)/python -m tests.campaign.soak $(ARGS)
	$(BIN)/python -m tests.campaign.soak_replay

mutants: $(HAVE_ALL) ## Change the gate's tables: do their tests notice?
	$(BIN)/python -m tests.mutate

clean: ## Remove what make made, .venv included
	rm -rf $(VENV) $(VENV3) $(OTHERS:%=.venv-%) $(VENVW) $(VENVR) build dist site htmlcov .coverage .coverage.* .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# ---- set-up -----------------------------------------------------------------------------------

$(HAVE_VENV):
	@if [ -z "$(PYTHON)" ]; then \
		echo "sim2live needs Python 3.11 or 3.12 with venv, ssl and sqlite3; none of these runs: $(CANDIDATES)."; \
		echo "Install one (on Debian and Ubuntu: python3.11 python3.11-venv), or name it: make PYTHON=/path/to/python3.11 ..."; \
		exit 1; fi
	$(PYTHON) -m venv $(VENV)
	$(PIP) install -c $(PINS) hatchling
	@touch $@

# The package itself comes first and alone: its build backend is there already, pinned.
$(HAVE_DEMO): $(HAVE_VENV) $(INPUTS)
	@echo "Setting up .venv (once, about a minute)"
	$(PIP) install --no-build-isolation --no-deps -e .
	$(PIP) install -c $(PINS) 'sim2live[gateway,backtrader]'
	@touch $@

$(HAVE_ALL): $(HAVE_VENV) $(INPUTS)
	@echo "Setting up .venv with everything (once, a few minutes)"
	$(PIP) install --no-build-isolation --no-deps -e .
	$(PIP) install -c $(PINS) 'sim2live[all,ray,dev]'
	@# Without what it asks for: signalrcore wants one msgpack, works with the pinned one, and only
	@# its hubs need it. What the test needs besides is in the set above.
	$(PIP) install --no-deps -r constraints/public-client.txt
	@touch $@ $(HAVE_DEMO)

$(HAVE_PANDAS3): $(HAVE_VENV) pyproject.toml constraints/vectorbt-pandas3-py311.txt
	@echo "Setting up $(VENV3) for vectorbt with pandas 3 (once)"
	$(PYTHON) -m venv $(VENV3)
	$(PIP3) install -c constraints/vectorbt-pandas3-py311.txt hatchling
	$(PIP3) install --no-build-isolation --no-deps -e .
	$(PIP3) install -c constraints/vectorbt-pandas3-py311.txt 'sim2live[vectorbt,gateway,dev]'
	@touch $@

# Found on the path or where pyenv keeps its own; where it is not, the next make looks again.
PIP_OTHER = $(@D)/$(SCRIPTS)/python -m pip --disable-pip-version-check --quiet install \
	-c $(firstword $(wildcard constraints/*-py3$*.txt))
.venv-3.%/.ready: pyproject.toml $(wildcard constraints/*-py3*.txt)
	@rm -rf $(@D)
	@for p in python3.$* $$(ls $$HOME/.pyenv/versions/3.$*.*/bin/python3.$* 2>/dev/null); do \
		if $$p -c 'import ensurepip, ssl, sqlite3, venv' >/dev/null 2>&1; then \
		echo "Setting up $(@D) (once)" && $$p -m venv $(@D) && break; fi; done
	@if [ -d $(@D) ]; then $(PIP_OTHER) hatchling && $(PIP_OTHER) --no-build-isolation --no-deps -e . && \
		$(PIP_OTHER) 'sim2live[gateway,alerts]' pytest pytest-timeout hypothesis && touch $@; fi

$(HAVE_RELEASE): $(HAVE_VENV) constraints/release.txt
	@echo "Setting up $(VENVR) with the tools of a release (once)"
	$(PYTHON) -m venv $(VENVR)
	$(VENVR)/$(SCRIPTS)/python -m pip --disable-pip-version-check --quiet install -c constraints/release.txt \
		cyclonedx-bom pip-audit pip-licenses
	@touch $@

# ---- pins -------------------------------------------------------------------------------------

# Resolves again, keeping each pin that still fits; delete a file's line first to let it move.
COMPILE = $(BIN)/uv pip compile --quiet --no-header --no-annotate --no-emit-index-url
NOT_ZIPLINE := --extra gateway --extra backtrader --extra vectorbt --extra projectx --extra notebook --extra alerts --extra nats --extra ray
constraints: $(HAVE_VENV) ## Resolve the pinned sets again
	$(PIP) install uv
	$(COMPILE) pyproject.toml --extra all --extra ray --extra dev --extra docs --python-version 3.11 -o constraints/all-py311.txt
	$(COMPILE) pyproject.toml --extra all --extra ray --extra dev --extra docs --python-version 3.12 -o constraints/all-py312.txt
	$(COMPILE) pyproject.toml $(NOT_ZIPLINE) --extra dev --extra docs --python-version 3.13 -o constraints/everything-but-zipline-py313.txt
	$(COMPILE) pyproject.toml constraints/vectorbt-pandas3.in --extra vectorbt --extra gateway --extra dev --python-version 3.11 -o constraints/vectorbt-pandas3-py311.txt
	$(COMPILE) pyproject.toml --extra release --python-version 3.11 -o constraints/release.txt
