# Two commands: `make demo` and `make test`. Each makes its own .venv from the hashed constraints.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.PHONY: demo test lint types contracts check bench recording screens completions constraints clean

demo: .venv/demo.stamp
	@if [ -t 0 ] && [ -t 1 ]; then $(BIN)/helpdesk demo; else $(BIN)/helpdesk demo --script; fi

test: .venv/dev.stamp
	$(BIN)/python -m pytest -n 2

check: lint types contracts

lint: .venv/dev.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: .venv/dev.stamp
	$(BIN)/mypy

contracts: .venv/dev.stamp
	PYTHONPATH=plugins $(BIN)/lint-imports

bench: .venv/dev.stamp
	@for file in benchmarks/*.py; do echo "# $$file"; $(BIN)/python $$file || exit 1; done

recording: .venv/dev.stamp
	$(BIN)/python docs/record.py

screens: .venv/dev.stamp
	$(BIN)/python -m docs.screens

completions: .venv/dev.stamp
	$(BIN)/python -m helpdesk.surfaces.completions

constraints:
	uv pip compile --quiet --generate-hashes --no-emit-index-url --no-header --universal \
	    pyproject.toml requirements-build.in -o constraints.txt
	uv pip compile --quiet --generate-hashes --no-emit-index-url --no-header --universal \
	    --group dev pyproject.toml requirements-build.in -c constraints.txt -o constraints-dev.txt

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit("helpdesk needs Python 3.11 or newer; set PYTHON=python3.11") if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv .venv || { rm -rf .venv; echo "No virtual environment: on Debian install python3-venv." >&2; exit 1; }

.venv/demo.stamp: .venv/bin/python constraints.txt pyproject.toml
	@echo "Installing into .venv (once)…"
	$(PIP) install --require-hashes -r constraints.txt
	$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

.venv/dev.stamp: .venv/bin/python constraints-dev.txt pyproject.toml
	@echo "Installing into .venv (once)…"
	$(PIP) install --require-hashes -r constraints-dev.txt
	$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@ .venv/demo.stamp

clean:
	rm -rf .venv .servers dist build
