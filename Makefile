# What a person does with this repository. `make demo` and `make test` need Python >= 3.11 with venv, and make.

PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && exit; \
	done; echo python3)
ARGS ?=
RUN = .venv/bin/python -m
# Settings are checked when they are imported; a static check imports them and touches no database.
UNUSED_DATABASE = DATABASE_URL=$${DATABASE_URL:-postgresql:///unused} LOCAL_SECRETS=false \
	SECRET_KEY=unused-and-as-long-as-it-has-to-be API_KEY_HASH_KEY=unused-and-as-long-as-it-has-to-be \
	WEBHOOK_SECRET_KEYS=dW51c2VkLXVudXNlZC11bnVzZWQtdW51c2VkLXVudSE=
PYTEST = $(RUN) pytest -n $(WORKERS)
WORKERS ?= auto

.PHONY: help demo test test-postgres-versions check lint format types contracts migrations-check docs docs-check reference recording \
	lock environment clean bench bench-quick soak fuzz fuzz-responses crash-test crash-test-quick

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-24s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: ## one payment end to end, then everything stays up (ARGS=--once: then it ends)
	@$(PYTHON) tools/bootstrap.py demo --steps -- -m tools.demo $(ARGS)

test: environment ## every test, on this machine's PostgreSQL or the embedded one (ARGS: for pytest)
	@$(RUN) tools.test_dependencies
	@$(PYTEST) $(ARGS)

bench: environment ## every scenario beside its contenders, into bench/results/ (needs nginx; about half an hour)
	@$(RUN) bench $(ARGS)

bench-quick: environment ## the same, smaller: about 5 minutes
	@$(RUN) bench --quick $(ARGS)

soak: environment ## ten minutes of failures, then overload; judged at the end (ARGS="--minutes 60 --rate 20", --quick)
	@$(RUN) bench.soak $(ARGS)

fuzz: environment ## the API against its own description, for long (FUZZ_EXAMPLES=300 an operation, FUZZ_SEED=n)
	@FUZZ_EXAMPLES=$${FUZZ_EXAMPLES:-300} FUZZ_SEED=$${FUZZ_SEED:-$$(date +%s)} $(PYTEST) tests/api/test_fuzz.py $(ARGS)

fuzz-responses: environment ## endpoints whose answers went wrong at random (FUZZ_RESPONSES=100000, FUZZ_SEED=n)
	@FUZZ_RESPONSES=$${FUZZ_RESPONSES:-100000} FUZZ_SEED=$${FUZZ_SEED:-$$(date +%s)} \
		$(PYTEST) tests/hostile/test_mutants.py $(ARGS)

.PHONY: screenshots bench-pages
screenshots: environment ## a picture of every page, of demo data in a browser, into docs/images/ (ARGS: keys of pages)
	@$(RUN) tools.screenshots $(ARGS)

bench-pages: environment ## every page with 10,000,000 attempts behind it: p50, p95, statements (ARGS="--attempts 200000": quick)
	@$(RUN) bench.pages $(ARGS)

crash-test: environment ## faults under load, more than an hour (ARGS=--quick: each once; --state FILE: can be gone on with)
	@$(RUN) tests.crash $(ARGS)

crash-test-quick: environment ## every fault of the crash suite once: a few minutes
	@$(RUN) tests.crash --quick

test-postgres-versions: environment ## the database tests on the newest supported PostgreSQL (embedded)
	@env -u DATABASE_URL MINISTRIPE_POSTGRES=wheel $(PYTEST) -m postgres_versions $(ARGS)

check: lint types contracts migrations-check docs test crash-test-quick ## the gate: everything that must hold before a commit

lint: environment ## ruff: rules and format
	@$(RUN) ruff check .
	@$(RUN) ruff format --check .

format: environment ## mend what ruff can mend
	@$(RUN) ruff check --fix .
	@$(RUN) ruff format .

types: environment ## mypy --strict
	@$(UNUSED_DATABASE) $(RUN) mypy .

contracts: environment ## which room may import which
	@.venv/bin/lint-imports

migrations-check: environment ## no model change without its migration
	@$(UNUSED_DATABASE) .venv/bin/python -W ignore::RuntimeWarning manage.py makemigrations --check --dry-run

docs-check: environment ## links and anchors of all Markdown files
	@$(RUN) tools.check_links

recording: environment ## docs/images/demo.svg, a picture of what `make demo ARGS=--once` prints just now
	@$(RUN) tools.recording

reference: environment ## what the code writes into docs/: failure codes, tables, files that pages show
	@$(UNUSED_DATABASE) $(RUN) tools.reference

docs: docs-check ## the documentation as a site, in build/site; a warning or a dead link fails it
	@$(UNUSED_DATABASE) $(RUN) tools.reference --check
	@$(RUN) tools.site

lock: environment ## requirement files with hashes, from the ranges of pyproject.toml (ARGS=--upgrade)
	@$(RUN) tools.lock $(ARGS)

environment:
	@$(PYTHON) tools/bootstrap.py dev

clean: ## remove what make made
	rm -rf .venv .demo build *.egg-info .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
