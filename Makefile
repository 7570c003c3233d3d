# Everything a developer runs. `make help` lists it. Packages come from wherever pip and npm are configured to find them,
# and must match the hashes in requirements/ and tests/node/package-lock.json. Nothing here needs root, but for the
# tests' curl and Chromium where they aren't there yet.

PYTHON ?= python3
VENV := .venv
E2E := .venv-e2e
DOCS := .venv-docs
BIN := $(VENV)/bin
BENCH := build/bench
NODE_MODULES := tests/node/node_modules
AGENTS := tests/e2e_agents/node/node_modules
CLAUDE_CODE := tests/e2e_claude_code/node/node_modules
export CHROMIUM ?= /usr/bin/chromium
JOBS ?= 2
ARGS ?=

# Each worker has a part of the tests that follow each other, and who has none left takes some of another's.
STEALING := --dist worksteal

# Two workers rewrite the assertions of 330 files each, and many tests start programs: what they compile is kept.
unexport PYTHONDONTWRITEBYTECODE

PIP_INSTALL := -m pip install --quiet --no-input --disable-pip-version-check
# The locks are complete, so nothing is left to resolve; with --no-deps a release published later cannot disturb pip.
PIP_LOCKED := $(PIP_INSTALL) --require-hashes --no-deps
# The Node.js of the Python package index, which has its own list of certificate authorities; the variable makes it trust
# what the system trusts.
WITH_NODE := NODE_USE_SYSTEM_CA=1 PATH="$(CURDIR)/$(BIN):$$PATH"
PYTEST := PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m pytest

# A virtual environment whose interpreter has gone (a system upgrade) is made anew.
ifneq ($(wildcard $(VENV)/.created),)
ifneq ($(shell $(BIN)/python -c "print(1)" 2>/dev/null),1)
$(shell rm -rf $(VENV))
endif
endif

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
.PHONY: demo-google help run web web-dev web-types screenshots e2e-web test check format test-watch coverage deep bench capacity e2e-local e2e-agents e2e-claude-code replay docs configuration-reference wheel sbom release lock clean test-programs

help: ## list these targets
	@sed -n 's/^\([a-z0-9-]*\):.*## /\1\t/p' Makefile | expand -t 14

run: web ## start the gateway on port 3000 (flags: ARGS="--port 3001")
	$(BIN)/codenex serve $(ARGS)

web: $(VENV)/.project ## build the web pages, where their sources have changed
	@$(BIN)/python scripts/web_build.py

web-dev: web ## serve the web pages from their sources, for a gateway on port 3000 (another: CODENEX_URL=http://…)
	cd web && $(WITH_NODE) npm run dev

web-types: $(VENV)/.project ## write the web pages' types from the server's OpenAPI document
	$(BIN)/python -m scripts.web_types

screenshots: $(VENV)/.tools web | /usr/share/fonts/truetype/wqy/wqy-microhei.ttc ## take pictures of every web page into build/screenshots (some: ARGS="dashboard system")
	$(BIN)/python -m tests.web.screenshots $(ARGS)

e2e-web: $(VENV)/.tools web ## drive every web page in a browser: all sizes, languages and flows
	$(PYTEST) tests/web -q -m "deep or not deep" --timeout=600 -n $(JOBS) $(ARGS)

test: $(VENV)/.tested ## run the tests (some of them: ARGS="tests/test_contracts.py -k layers")
	$(PYTEST) -n $(JOBS) $(STEALING) $(ARGS)

check: $(VENV)/.tools web ## formatting, lint, types, architecture
	$(BIN)/ruff format --check --quiet . || { echo "Run: make format" >&2; exit 1; }
	$(BIN)/ruff check --quiet .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	cd web && $(WITH_NODE) npm run --silent check && $(WITH_NODE) npm run --silent lint

format: $(VENV)/.tools ## format the sources and repair what ruff can repair
	$(BIN)/ruff check --fix --quiet . || true
	$(BIN)/ruff format .

test-watch: $(VENV)/.tested ## run the tests again whenever a file changes
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/ptw . --now --runner $(CURDIR)/$(BIN)/pytest --ignore-patterns '*/.venv*/*,*/node_modules/*' $(ARGS)

coverage: $(VENV)/.tested ## run the tests and measure what they reach (report: coverage/index.html)
	$(BIN)/coverage erase
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/coverage run -m pytest -n $(JOBS) $(STEALING) $(ARGS)
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage html --quiet
	$(BIN)/coverage report

deep: $(VENV)/.tested $(DOCS)/.created | /usr/bin/prometheus ## all tests, with 100,000 examples for every law (hours)
	CODENEX_DEEP=1 $(PYTEST) -n $(JOBS) $(STEALING) -m "deep or not deep" --timeout=7200 $(ARGS)
	CODENEX_TEST_DATABASE=postgresql $(PYTEST) tests/control -n $(JOBS)

bench: $(VENV)/.tools $(VENV)/.project $(BENCH)/load $(BENCH)/mock | /usr/sbin/nginx /usr/sbin/haproxy ## measure this gateway beside nginx and HAProxy; writes docs/performance.md
	$(BIN)/python -m benchmarks $(ARGS)

capacity: $(VENV)/.tools $(VENV)/.project $(BENCH)/load $(BENCH)/mock ## measure how cost grows with streams, events, bodies, accounts and workers; writes docs/capacity.md
	$(BIN)/python -m benchmarks.capacity $(ARGS)

demo-google: $(VENV)/.tested ## start a scripted Google to try logins with (another port: ARGS=4000)
	$(BIN)/python -m tests.support.google $(ARGS)

e2e-local: $(E2E)/.created ## run against a real language model on this machine (downloads 150 MB)
	PATH="$(CURDIR)/$(E2E)/bin:$(CURDIR)/$(BIN):$$PATH" $(E2E)/bin/python -m pytest tests/e2e_local -q --timeout=1800 $(ARGS)

e2e-agents: $(VENV)/.tools $(VENV)/.project $(AGENTS)/.installed ## run real coding agents through the gateway (takes 900 MB of disk)
	$(PYTEST) tests/e2e_agents -q --timeout=300 -n $(JOBS) $(ARGS)

e2e-claude-code: $(VENV)/.tools $(VENV)/.project $(CLAUDE_CODE)/.installed ## drive two versions of the real Claude Code CLI (takes 800 MB of disk)
	$(PYTEST) tests/e2e_claude_code -q --timeout=300 -n $(JOBS) $(ARGS)

replay: $(VENV)/.tested ## judge by real traffic in folders outside (CODENEX_CAPTURES, CODENEX_RECORDINGS)
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -W ignore::UserWarning:pydantic.main -m tests.replay

# The date of every file in an archive: that of the last commit, so that anybody gets the same bytes.
EPOCH = $(or $(SOURCE_DATE_EPOCH),$(shell git log -1 --format=%ct 2>/dev/null))

docs: $(DOCS)/.created ## build the documentation as a site into build/site
	$(DOCS)/bin/python -m scripts.site

configuration-reference: $(VENV)/.project ## write docs/configuration.md from the typed configuration
	$(BIN)/python -m scripts.configuration_reference

wheel: $(VENV)/.project ## build a wheel and a source archive of what lies here into dist/
	$(if $(EPOCH),SOURCE_DATE_EPOCH=$(EPOCH)) $(WITH_NODE) $(BIN)/hatchling build

sbom: $(VENV)/.tools web ## write the bill of materials (CycloneDX) into dist/sbom.cdx.json
	$(BIN)/python -m scripts.release.sbom dist/sbom.cdx.json

release: $(VENV)/.tools $(VENV)/.project ## make a release of the last commit in dist/: archives, checked, bill of materials, checksums
	$(BIN)/python -m scripts.release dist

clean: ## remove everything that make made
	rm -rf $(VENV) $(E2E) $(DOCS) $(NODE_MODULES) $(AGENTS) $(CLAUDE_CODE) build dist coverage htmlcov
	rm -rf web/node_modules src/codenex/control/static
	rm -rf .coverage .coverage.* .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find src tests scripts -name __pycache__ -type d -prune -exec rm -rf {} +

# --- environments: each stamp file says that a step is done ----------------------------------------------------------

define REQUIRE_PYTHON
	@command -v $(PYTHON) >/dev/null || { echo "No $(PYTHON) on PATH. Python 3.11 or newer is needed: apt-get install python3 python3-venv" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; $(PYTHON) is $$($(PYTHON) --version 2>&1). Choose another: make PYTHON=python3.12 …" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "Python's venv module is missing: apt-get install python3-venv" >&2; exit 1; }
endef

$(VENV)/.created:
	$(REQUIRE_PYTHON)
	rm -rf $(VENV)
	$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; }
	@touch $@

# What the gateway runs with, and what builds it.
$(VENV)/.runtime: requirements/runtime.txt requirements/build.txt | $(VENV)/.created
	$(BIN)/python $(PIP_LOCKED) -r requirements/runtime.txt -r requirements/build.txt
	@touch $@

# The gateway itself, as an editable installation.
$(VENV)/.project: pyproject.toml $(VENV)/.runtime
	$(BIN)/python $(PIP_INSTALL) --no-build-isolation --no-deps --editable .
	@touch $@

# What the checks and tests need beyond that; a superset of the above with the same versions.
$(VENV)/.tools: requirements/test.txt | $(VENV)/.created
	$(BIN)/python $(PIP_LOCKED) -r requirements/test.txt
	@touch $@

$(VENV)/.tested: $(VENV)/.tools $(VENV)/.project $(NODE_MODULES)/.installed | web test-programs /usr/sbin/nginx /usr/sbin/haproxy /usr/bin/slowhttptest /usr/bin/pg_createcluster /usr/bin/cc
	@touch $@

# curl and Debian's Chromium, which run the documentation's examples.
test-programs:
	@scripts/test_programs.sh $(CHROMIUM)

# node and npm come from the Python package index, so that tests run everywhere with the same ones. This node has its own
# list of certificate authorities; the variable makes it trust what the system trusts.
$(NODE_MODULES)/.installed: tests/node/package.json tests/node/package-lock.json tests/node/.npmrc | $(VENV)/.tools
	cd tests/node && NODE_USE_SYSTEM_CA=1 PATH="$(CURDIR)/$(BIN):$$PATH" npm ci --ignore-scripts --loglevel=error
	@touch $@

# Claude Code puts its program in place by a script of its own, which is the only one that may run.
$(AGENTS)/.installed: tests/e2e_agents/node/package.json tests/e2e_agents/node/package-lock.json tests/e2e_agents/node/.npmrc | $(VENV)/.tools
	cd tests/e2e_agents/node && NODE_USE_SYSTEM_CA=1 PATH="$(CURDIR)/$(BIN):$$PATH" npm ci --ignore-scripts --loglevel=error
	cd tests/e2e_agents/node && PATH="$(CURDIR)/$(BIN):$$PATH" node node_modules/@anthropic-ai/claude-code/install.cjs
	@touch $@

$(CLAUDE_CODE)/.installed: tests/e2e_claude_code/node/package.json tests/e2e_claude_code/node/package-lock.json tests/e2e_claude_code/node/.npmrc | $(VENV)/.tools
	cd tests/e2e_claude_code/node && NODE_USE_SYSTEM_CA=1 PATH="$(CURDIR)/$(BIN):$$PATH" npm ci --ignore-scripts --loglevel=error
	cd tests/e2e_claude_code/node && for version in current older; do \
	PATH="$(CURDIR)/$(BIN):$$PATH" node node_modules/claude-code-$$version/install.cjs || exit 1; done
	@touch $@

# Real servers that stand before this one in the tests, an attacker, and what compiles the benchmark: from Debian.
/usr/sbin/nginx:
	@scripts/debian.sh $@ nginx-light
/usr/sbin/haproxy:
	@scripts/debian.sh $@ haproxy
/usr/bin/slowhttptest:
	@scripts/debian.sh $@ slowhttptest
/usr/bin/pg_createcluster:
	@scripts/debian.sh $@ postgresql
/usr/bin/prometheus:
	@scripts/debian.sh $@ prometheus
# Chinese, for pictures of the web pages.
/usr/share/fonts/truetype/wqy/wqy-microhei.ttc:
	@scripts/debian.sh $@ fonts-wqy-microhei
/usr/bin/cc:
	@scripts/debian.sh $@ gcc libc6-dev
/usr/include/openssl/ssl.h:
	@scripts/debian.sh $@ libssl-dev

# Load generator and mock upstream, both in C, so that measuring costs next to nothing.
$(BENCH)/%: benchmarks/%.c benchmarks/wire.h | /usr/bin/cc /usr/include/openssl/ssl.h
	@mkdir -p $(BENCH)
	cc -O2 -Wall -Wextra -D_GNU_SOURCE -o $@ $< $(if $(filter mock,$*),-lssl -lcrypto,-lm)

$(E2E)/.created: requirements/e2e-local.txt requirements/test.txt pyproject.toml
	$(REQUIRE_PYTHON)
	rm -rf $(E2E)
	$(PYTHON) -m venv $(E2E) || { rm -rf $(E2E); exit 1; }
	$(E2E)/bin/python $(PIP_LOCKED) -r requirements/test.txt
	$(E2E)/bin/python $(PIP_LOCKED) -r requirements/e2e-local.txt
	$(E2E)/bin/python $(PIP_INSTALL) --no-build-isolation --no-deps --editable .
	@touch $@

$(DOCS)/.created: requirements/docs.txt
	$(REQUIRE_PYTHON)
	rm -rf $(DOCS)
	$(PYTHON) -m venv $(DOCS) || { rm -rf $(DOCS); exit 1; }
	$(DOCS)/bin/python $(PIP_LOCKED) -r requirements/docs.txt
	@touch $@

# --- locks -----------------------------------------------------------------------------------------------------------

LOCK := uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header --quiet

lock: ## resolve the newest versions into requirements/*.txt (needs uv)
	@command -v uv >/dev/null || { echo "uv is needed: pip install uv" >&2; exit 1; }
	$(LOCK) --upgrade pyproject.toml --extra otel --extra encryption --group build --group test --output-file requirements/test.txt
	$(LOCK) --upgrade pyproject.toml --constraints requirements/test.txt --output-file requirements/runtime.txt
	$(LOCK) --upgrade pyproject.toml --extra postgresql --constraints requirements/test.txt --output-file requirements/postgresql.txt
	$(LOCK) --upgrade pyproject.toml --extra otel --constraints requirements/test.txt --output-file requirements/otel.txt
	$(LOCK) --upgrade pyproject.toml --extra encryption --constraints requirements/test.txt --output-file requirements/encryption.txt
	$(LOCK) --upgrade --group docs --output-file requirements/docs.txt
	$(LOCK) --upgrade --group build --constraints requirements/test.txt --output-file requirements/build.txt
	$(LOCK) --upgrade --no-deps requirements/e2e-local.in --output-file requirements/e2e-local.txt
