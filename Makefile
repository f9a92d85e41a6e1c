# Each target is complete by itself: it makes .venv and installs the locked dependencies when they are missing.
SHELL := /bin/bash
PYTHON ?= python3
PORT ?= 8000
BIN := .venv/bin

.PHONY: demo clean-demo test check fix run worker lock schema scorers help

help:
	@echo "make demo        see evaltrack work on this machine (PORT=8000; DEMO=once prints and ends)"
	@echo "make test        the whole suite, on SQLite and on PostgreSQL"
	@echo "make check       lint, types, migrations, lock files, API document"
	@echo "make fix         format and mend what can be mended automatically"
	@echo "make run         the web server alone     make worker   a worker cluster alone"
	@echo "make lock        write the lock files     make schema   write the API document"
	@echo "make scorers     environments of their own for Ragas and DeepEval, and what to set"
	@echo "make clean-demo  remove the demo's data"

demo: .venv/server
	@$(BIN)/python manage.py demo --port $(PORT) $(if $(filter once,$(DEMO)),--once)

clean-demo:
	@rm -rf var && echo "The demo's data is removed."

test: .venv/dev
	@$(BIN)/python -m tests.run $(ARGS)

check: .venv/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python manage.py makemigrations --check --dry-run
	$(BIN)/python -m tests.lockfiles
	$(BIN)/python manage.py spectacular --validate --fail-on-warn --file .venv/openapi.yaml
	@cmp .venv/openapi.yaml docs/reference/openapi.yaml || { echo "Run make schema."; exit 1; }

fix: .venv/dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

run: .venv/server
	$(BIN)/python manage.py migrate
	$(BIN)/python manage.py collectstatic --noinput -v 0
	$(BIN)/gunicorn evaltrack.wsgi --bind 127.0.0.1:$(PORT) --worker-class gthread --workers 2 --threads 4

worker: .venv/server
	$(BIN)/python manage.py worker

lock: .venv/dev
	$(BIN)/python -m tests.lockfiles --write

schema: .venv/dev
	$(BIN)/python manage.py spectacular --validate --fail-on-warn --file docs/reference/openapi.yaml

# Never into .venv: their libraries want other versions, and a package that is called datasets as ours is.
scorers: .venv-ragas/made .venv-deepeval/made
	@echo "EVALTRACK_SCORERS=ragas=$(CURDIR)/.venv-ragas/bin/python,deepeval=$(CURDIR)/.venv-deepeval/bin/python"

# The stamps say which lock file an environment was made from.
.venv/python:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || { \
		echo "evaltrack needs Python 3.11 to 3.13; name one: make PYTHON=python3.12 …"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "Python's venv module is missing. On Debian: apt install python3-venv"; exit 1; }
	@echo "Making .venv …"
	@$(PYTHON) -m venv .venv && touch $@

.venv/server: requirements.txt | .venv/python
	@echo "Installing what the server needs …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	@touch $@

.venv/dev: requirements-dev.txt | .venv/python
	@echo "Installing what development needs …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $@ .venv/server

.venv-%/made: requirements-%.txt | .venv/python
	@echo "Making .venv-$* …"
	@$(PYTHON) -m venv .venv-$*
	@.venv-$*/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-$*.txt
	@touch $@
