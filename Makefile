# One word per chore. Each finds a Python, makes a virtual environment and installs what it needs; the second time is quick.
# PYTHON=python3.12 chooses the interpreter, VENV=.venv-3.12 the folder, ARGS= is handed on: make test ARGS="-k ping".

VENV ?= .venv
export VENV PYTHON
MAKEFLAGS += --no-print-directory
BIN = $(VENV)/bin
BENCH ?= .venv-bench

.PHONY: run demo test soak bench microbench lint audit lock messages reference format setup setup-dev setup-bench

run: setup  ## serve the dashboard at http://localhost:8080
	@exec $(BIN)/python manage.py serve $(ARGS)

demo: setup  ## the same, with believable tasks running
	@exec $(BIN)/python manage.py demo $(ARGS)

# What is compiled is kept, whatever the machine says: each of the servers that tests start would compile all of it anew.
test: setup-dev  ## run every test
	@PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -n 4 --dist worksteal $(ARGS)

soak: setup-dev  ## hold the promises of docs/reliability.md against long trials, and write the figures there
	@$(BIN)/python -m soak $(ARGS)

bench: setup-bench  ## measure IoTask beside what people would pick instead, and write docs/benchmarks.md
	@$(BENCH)/bin/python -m bench $(ARGS)

microbench: setup-bench  ## time submit, settle, tick and query alone; docs/benchmarks.md says how to compare
	@$(BENCH)/bin/python -m pytest -p no:randomly -p no:xdist bench/micro $(ARGS)

lint: setup-dev  ## look for mistakes; changes nothing
	@.ci/lint

audit: setup-dev  ## ask for known flaws of the packages that requirements.lock pins
	@$(BIN)/python .ci/audit

lock: setup-dev  ## pin what requirements.txt names, with hashes, in requirements.lock
	@.ci/lock

messages: setup-dev  ## bring the Russian texts up to what code and templates say, and compile them
	@$(BIN)/python manage.py messages

reference: setup-dev  ## write docs/reference/api.md from the OpenAPI document
	@$(BIN)/python manage.py reference

format: setup-dev  ## bring the code into shape
	@$(BIN)/ruff check --fix-only --quiet . && $(BIN)/ruff format .

setup:
	@.ci/setup requirements.txt

setup-dev:
	@.ci/setup requirements-dev.txt

setup-bench:
	@VENV=$(BENCH) .ci/setup requirements-bench.txt
