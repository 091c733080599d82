# Each target creates the environment it needs. What a fresh machine must have: Python 3.10 or newer with venv, and make.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help venv demo test lint format proto proto-check docs lock bench fuzz changelog clean

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/\1\t\2/p' $(firstword $(MAKEFILE_LIST)) | expand -t 14

venv: $(INSTALLED) ## create the environment in .venv, from the lock

$(INSTALLED): requirements/dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and "Kedge needs Python 3.10 or newer: make PYTHON=...")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --no-compile --require-hashes -r requirements/dev.txt
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
	@touch $@

demo: $(INSTALLED) ## real data: a tool over the real protocol, then a workflow with that tool in its middle
	@mkdir -p demo-output
	$(BIN)/kedge tool run examples/late_flights.py:LateFlights \
	    -i Flights=examples/data/flights.csv -i Weather=examples/data/weather.csv -c Minutes=60 \
	    -o Late=demo-output/late.parquet -o OnTime=demo-output/on_time.parquet -o Rejects=-
	$(BIN)/kedge run examples/late_flights.yxmd --tap 11:Output=-

test: $(INSTALLED) ## run every test, in two processes (make test ARGS="tests/sdk -k fields" for some, in one)
	$(BIN)/python -m pytest $(or $(ARGS),-n 2 --dist loadfile)

lint: $(INSTALLED) proto-check ## everything that is checked without running the code
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet --site-dir build/site
	$(BIN)/towncrier build --draft --version next > build/changelog.md

format: $(INSTALLED) ## format the code, and repair what ruff can repair
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

proto: $(INSTALLED) ## generate the protobuf module from its .proto
	$(BIN)/python scripts/generate_proto.py

proto-check: $(INSTALLED) # the generated module is what `make proto` makes now
	$(BIN)/python scripts/generate_proto.py --check

docs: $(INSTALLED) ## build the pages into site/
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

lock: $(INSTALLED) ## pin what pyproject.toml asks for (make lock ARGS=--upgrade for the newest)
	$(BIN)/uv pip compile pyproject.toml --universal --python-version 3.10 --all-extras --group dev \
	    --generate-hashes --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" \
	    --quiet --output-file requirements/dev.txt $(ARGS)

bench: $(INSTALLED) ## measure, against named peers in the same run
	$(BIN)/kedge bench $(ARGS)

fuzz: $(INSTALLED) ## what a nightly run tries: all faults, 10,000 sequences over the wire, ten minutes of bytes
	KEDGE_FUZZ=10000 $(BIN)/python -m pytest tests/wire/test_fuzz.py $(ARGS)
	KEDGE_TEST_SLOW=1 $(BIN)/python -m pytest tests/faults
	$(BIN)/python -m pip install --quiet --target build/atheris atheris
	PYTHONPATH=build/atheris $(BIN)/python tests/wire/fuzz_codec.py -max_total_time=600 -rss_limit_mb=2048 -timeout=10

changelog: $(INSTALLED) ## move the fragments of changelog.d into CHANGELOG.md, for the version in pyproject.toml
	$(BIN)/towncrier build --yes

clean: ## delete what these targets made, the environment apart
	rm -rf build dist site demo-output .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage*
