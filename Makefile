# Two commands matter: `make demo` and `make test`. Each installs what it needs into .venv first.
SHELL := /bin/bash
.DELETE_ON_ERROR:

# The first of these that exists; override with `make PYTHON=/path/to/python3.12 ...`.
PYTHON ?= $(shell for p in python3.11 python3.12 python3; do \
	$$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 13))' 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin
STAMP := .venv/installed

# Where it is set, every process compiles anew all that it imports: of torch alone, some seconds.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: install demo test check fast lint types docs lock clean

install: $(STAMP)

$(STAMP): requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "error: no Python 3.11 or 3.12 found; set PYTHON=/path/to/python3.11"; exit 2; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install -qq --upgrade pip
	$(BIN)/python -m pip install -qq --no-compile --require-hashes -r requirements.lock
	$(BIN)/python -m pip install -qq --no-deps --editable .
	$(BIN)/python -m pip check
	touch $(STAMP)

demo: install            ## train, evaluate and draw: 5 minutes after the installation
	$(BIN)/rad demo

# One thread for each of the two workers: two of each would wait for each other on two cores.
test: install lint types ## everything that CI runs
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist worksteal

check: install lint types ## what to run before a commit: a minute or two
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist worksteal -m "not slow"

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: install
	$(BIN)/mypy

# Imports nothing of the library: pages of the API are read from the source.
docs: install            ## the site, in site/; a warning is an error
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

# Pins keep torch and torchvision a pair; everything else is resolved anew. Needs `pip install uv`.
lock:
	uv pip compile pyproject.toml --extra all --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-header --no-annotate --quiet --constraints pins.txt --output-file requirements.lock

clean:
	rm -rf .venv site .mypy_cache .ruff_cache .pytest_cache build dist *.egg-info
