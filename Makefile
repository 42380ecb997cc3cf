# make demo    a console in the browser, nothing else needed
# make test    the whole suite; installs what it needs
# make check   format, lint, types, then the suite with branch coverage
# make bench   measures the proxy beside its peers; BENCH_ARGS="--quick"
# make soak    opens and closes 100,000 sessions and looks what is left
# make fuzz    a million hostile requests, and streams of messages; FUZZ_ARGS="--cases 10000000 --seed 7"
# make chaos   kills, stops and cuts parts of a whole service for ten minutes; CHAOS_ARGS="--seed 7 --users 50"
# make faithful  records real screens for ten minutes each and compares every pixel; FAITHFUL_ARGS="--minutes 2"
# make reference  writes docs/api-reference.md again, after a change of the API
# make languages  brings vncproxy/languages/*.po up to date, after a change of texts
# make profile flame graphs of the proxy at work, in bench/results
#
# make demo DEMO_ARGS="--port 7000 --target 192.0.2.7:5900,secret"

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SOURCES := setup.py pyproject.toml vncproxy/__init__.py vncproxy/web/package-lock.json
DEMO_ARGS ?=
BENCH_ARGS ?=
FUZZ_ARGS ?=
CHAOS_ARGS ?=
FAITHFUL_ARGS ?=

.PHONY: demo test check environments format bench soak fuzz chaos faithful languages reference profile debian clean

demo: $(VENV)/.demo
	@exec $(BIN)/vncproxy demo $(DEMO_ARGS)

test: environments
	@$(BIN)/python tests/run.py

check: environments
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	@rm -f .coverage .coverage.*
	@$(BIN)/python tests/run.py --coverage
	$(BIN)/coverage combine -q
	$(BIN)/coverage report

# all at a time, as far as they do not need each other; each waits for downloads most of the time
environments: $(BIN)/pip
	@$(MAKE) --no-print-directory -j5 debian $(VENV)/.test $(VENV)/.openstack $(VENV)/.openid $(VENV)/.axe

format:
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(VENV)/.bench
	@$(BIN)/python -m bench $(BENCH_ARGS)

soak: $(VENV)/.test
	@$(BIN)/python -m bench.soak $(SOAK_ARGS)

fuzz: $(VENV)/.test
	@$(BIN)/python -m tests.fuzz $(FUZZ_ARGS)

chaos: $(VENV)/.test
	@$(BIN)/python -m tests.chaos $(CHAOS_ARGS)

faithful: $(VENV)/.test
	@$(BIN)/python -m tests.faithful $(FAITHFUL_ARGS)

languages: $(VENV)/.test
	@$(BIN)/python -m vncproxy.languages.extraction

reference: $(VENV)/.test
	@$(BIN)/python -m vncproxy.api.v1.reference > docs/api-reference.md

profile: $(VENV)/.bench
	@$(BIN)/python -m bench.profile

$(VENV)/bin/pip:
	@command -v npm >/dev/null || { echo "npm is needed for the console page: apt install npm"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { echo "$(PYTHON) cannot make a virtual environment: apt install python3-venv"; exit 1; }
	@$(BIN)/pip install -q --disable-pip-version-check -U pip setuptools

# libvirt's binding is compiled; the demo offers local machines only where that is possible
$(VENV)/.demo: $(BIN)/pip $(SOURCES)
	@echo "installing vncproxy into $(VENV)"
	@$(BIN)/pip install -q --disable-pip-version-check -e .
	@if command -v pkg-config >/dev/null && pkg-config --exists libvirt && command -v gcc >/dev/null; then \
	  $(BIN)/pip install -q --disable-pip-version-check -e .[libvirt] || true; fi
	@touch $@

$(VENV)/.test: debian $(BIN)/pip $(SOURCES)
	@[ $@ -nt setup.py ] && [ $@ -nt vncproxy/web/package-lock.json ] && [ -e $@ ] || { \
	  echo "installing vncproxy and its tests into $(VENV)" && \
	  $(BIN)/pip install -q --disable-pip-version-check -e .[all,test] && touch $@; }

# OpenStack's clients, which ask for other versions of libraries than the proxy
$(VENV)/.openstack: tests/openstack-clients.txt | $(BIN)/pip
	@echo "installing OpenStack's clients into $(VENV)/openstack"
	@$(PYTHON) -m venv $(VENV)/openstack
	@$(VENV)/openstack/bin/pip install -q --disable-pip-version-check -r tests/openstack-clients.txt
	@touch $@

# the OpenID provider that tests log in at
$(VENV)/.openid: $(wildcard tests/components/openid/*) | $(BIN)/pip
	@echo "installing an OpenID provider into $(VENV)"
	@$(BIN)/python -m tests.components.openid_provider
	@touch $@

# the accessibility checks of the pages' tests
$(VENV)/.axe: $(wildcard tests/components/axe/*) | $(BIN)/pip
	@$(BIN)/python -m tests.components.accessibility
	@touch $@

$(VENV)/.bench: $(VENV)/.test bench/node/package-lock.json
	@$(BIN)/pip install -q --disable-pip-version-check -e .[bench]
	@cd bench/node && npm ci --silent
	@touch $@

debian:
	@tests/install-debian-packages

clean:
	rm -rf $(VENV) build dist *.egg-info vncproxy/web/static/novnc _trial_temp* .coverage*
