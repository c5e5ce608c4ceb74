# `make run` and `make test` work from a fresh clone: they make .venv and install into it what is locked in requirements*.lock.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: help run test test-all lint bench bench-ui docs screenshots lock clean

help:
	@echo "make run       install everything and start a workspace with sample data"
	@echo "make test      install everything the tests need and run all of them"
	@echo "make lint      ruff, mypy and the import rules"
	@echo "make bench     compare with hand-written tables and bare routes; takes long"
	@echo "make bench-ui  the pages in a browser against their budgets (needs Chromium); takes some minutes"
	@echo "make test-all  the tests, then the same on the server in XRM_TEST_DATABASE_URL, then the bench"
	@echo "make docs      bring the generated parts of the documents up to date"
	@echo "make screenshots  take the pictures of the documents anew (needs Chromium)"
	@echo "make lock      write the lock files anew (needs uv)"

run:
	@$(PYTHON) .ci/install.py run
	@$(BIN)/python -m xrm_core.web build
	@exec $(BIN)/xrm demo $(ARGS)

test:
	@$(PYTHON) .ci/install.py test
	@$(BIN)/python -m xrm_core.web build
	$(BIN)/python -m pytest -q -n 2 --dist loadfile $(ARGS)

test-all: test
	@test -z "$$XRM_TEST_DATABASE_URL" || $(BIN)/python -m pytest -q tests/storage tests/storage_sql tests/records tests/api
	@$(MAKE) bench

lint:
	@$(PYTHON) .ci/install.py test
	$(BIN)/ruff check xrm_core tests .ci
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

bench:
	@$(PYTHON) .ci/install.py test
	$(BIN)/python -m tests.bench $(ARGS)

bench-ui:
	@$(PYTHON) .ci/install.py test
	@$(BIN)/python -m xrm_core.web build
	$(BIN)/python -m tests.bench.ui $(ARGS)

docs:
	@$(PYTHON) .ci/install.py run
	$(BIN)/xrm docs write

screenshots:
	@$(PYTHON) .ci/install.py test
	@$(BIN)/python -m xrm_core.web build
	$(BIN)/python -m tests.screenshots

lock:
	@$(PYTHON) .ci/install.py lock

clean:
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis xrm_core/web/static/dist
