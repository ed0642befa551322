# Two commands matter: `make demo` and `make test`. Each installs what it needs.
SHELL := /bin/sh
# the first Python that runs and is new enough
PYTHON ?= $(shell for python in python3.11 python3.12 python3.13 python3; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/pip install --quiet --disable-pip-version-check

# of `make demo` and `make up`, such as --port 8100 --serving-port 8101
OPTIONS ?=

.PHONY: demo up test journeys stories check bench browser format clean

demo: $(VENV)/installed  ## the whole story on real data, then the portal on 127.0.0.1:8000
	$(BIN)/python manage.py demo $(OPTIONS)

up: $(VENV)/installed  ## the portal without the demo
	$(BIN)/python manage.py up $(OPTIONS)

test: $(VENV)/installed-dev browser  ## every test, the journeys in a real browser included
	$(BIN)/pytest -n 2 --ignore tests/journeys
	@sh tests/journeys/run.sh $(BIN)/pytest
	@sh tests/journeys/browser.sh found || sh tests/journeys/browser.sh tell

journeys: $(VENV)/installed-dev browser  ## the whole stories alone; DATABASE_URL and CELERY_BROKER_URL choose the services
	@sh tests/journeys/run.sh $(BIN)/pytest

STORIES ?= tests/journeys/test_rest_story.py tests/journeys/test_story_in_browser.py
stories: $(VENV)/installed-dev browser  ## of them the two that tell the whole main job, in the browser and over REST
	$(BIN)/pytest $(STORIES)

check: $(VENV)/installed-dev  ## lint, types, floors, migrations
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/mypy
	ASSAY_HOME=$${TMPDIR:-/tmp}/assay-check $(BIN)/python manage.py makemigrations --check --dry-run
	ASSAY_HOME=$${TMPDIR:-/tmp}/assay-check ASSAY_URL=https://assay.example $(BIN)/python manage.py check --deploy --fail-level WARNING

bench: $(VENV)/installed-dev  ## speed, each as a ratio in one run; rewrites the table in README.md
	$(BIN)/python -m tests.benchmarks

format: $(VENV)/installed-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

browser:
	@sh tests/journeys/browser.sh found || sh tests/journeys/browser.sh install || true

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/installed: pyproject.toml | $(VENV)/bin/python
	$(PIP) -e .
	@touch $@

$(VENV)/installed-dev: pyproject.toml | $(VENV)/bin/python
	$(PIP) -e '.[dev]'
	@touch $@ $(VENV)/installed

clean:  ## what was built; not the data in var/
	rm -rf $(VENV) *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
