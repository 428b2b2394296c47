# make demo | test | bench | lint | check | clean.   PYTHON=python3.12 chooses the interpreter.
# Each target first makes or renews the virtual environment that it needs.

PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python

# An environment whose interpreter is gone (a dangling link) is stale, whatever its stamps say.
$(shell test -x $(RUN) || rm -f $(VENV)/.stamp-*)

.PHONY: help demo test bench lint format check clean
.NOTPARALLEL:

help:
	@echo "make demo    train on real handwritten digits, check the gradients, draw the graph"
	@echo "make test    run the tests"
	@echo "make bench   measure (BENCH='--quick', BENCH='--only chain --peers', ...)"
	@echo "make lint    format check, lint, strict types"
	@echo "make format  rewrite the sources in the project's format"
	@echo "make check   lint and test"
	@echo "make clean   remove the virtual environments and all caches"

demo: $(VENV)/.stamp-demo
	@$(RUN) -m nn demo $(DEMO)

test: $(VENV)/.stamp-dev
	@$(RUN) -m pytest $(TEST)

bench: $(VENV)/.stamp-demo
	@$(RUN) -m benchmarks $(BENCH)

lint: $(VENV)/.stamp-dev
	@$(RUN) -m ruff format --check --quiet . || { echo "make format mends this"; exit 1; }
	@$(RUN) -m ruff check --quiet .
	@$(RUN) -m mypy

format: $(VENV)/.stamp-dev
	@$(RUN) -m ruff format .
	@$(RUN) -m ruff check --fix .

check: lint test

clean:
	rm -rf $(VENV) .venv-bench .pytest_cache .mypy_cache .ruff_cache .hypothesis dist
	find autodiff nn tests benchmarks examples -name __pycache__ -prune -exec rm -rf {} +

# pip's log is cut to one line for each package; its errors come through on stderr.
$(VENV)/.stamp-%: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	{ echo "Python 3.11 or newer is needed: make $(MAKECMDGOALS) PYTHON=python3.12"; exit 1; }
	@$(RUN) -c '' 2>/dev/null || { echo "making $(VENV)"; $(PYTHON) -m venv --clear $(VENV); }
	@echo "installing autodiff-nn[$*] into $(VENV)"
	@{ PIP_DISABLE_PIP_VERSION_CHECK=1 $(RUN) -m pip install --progress-bar off -e '.[$*]'; \
	echo "status $$?"; } | while read -r word rest; do case $$word in \
	Collecting) echo "  $${rest%% *}";; status) exit $$rest;; esac; done
	@touch $@
	@if [ $* = dev ]; then touch $(VENV)/.stamp-demo; fi
