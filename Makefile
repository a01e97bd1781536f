# Two commands matter: `make run` and `make test`. Each works alone on a fresh clone.
# Everything they make lies in .venv and .hotline (or HOTLINE_HOME and HOTLINE_STATE).

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PYTHON ?= $(firstword $(foreach name,python3.11 python3.12 python3,$(if $(shell $(name) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 12))' 2>/dev/null && echo yes),$(name))))
BIN := .venv/bin
LOCK := bot/node/requirements.lock
STATE := $(or $(HOTLINE_STATE),.hotline/state)

export PIP_CACHE_DIR := $(CURDIR)/.hotline/cache/pip
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_NO_INPUT := 1

# Named by content: the packages are installed again when, and only when, one of these changes.
PACKAGES := .venv/packages-$(shell cat $(LOCK) pyproject.toml 2>/dev/null | sha256sum | cut -c1-16)

.PHONY: help setup run test lint bench lock clean packages

help: ## Show this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 16

setup: packages ## Make everything ready: Python packages, Asterisk, models, prompts
	@$(BIN)/hotline setup

run: setup ## Bring the line up and call it once; Ctrl-C stops it
	@exec $(BIN)/hotline run --self-call

test: packages ## Check style, types and layers, then run every test
	@$(BIN)/hotline setup --tests
	@$(MAKE) lint
	$(BIN)/pytest -n logical --maxprocesses 4 --dist loadscope --no-loadscope-reorder

lint: packages ## Check style, types and layers only
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: setup ## Measure recognition, latency and load
	$(BIN)/python -m tests.bench

packages: $(PACKAGES)
	@:

# A stamp, since an interrupted venv has a python too, but no pip.
.venv/.made:
	@if [ -z "$(PYTHON)" ]; then \
	  echo "Python 3.11 or 3.12 is needed; install it, or name it: make PYTHON=/path/to/python3.11" >&2; exit 1; fi
	@if ! $(PYTHON) -c 'import ensurepip, venv' 2>/dev/null; then \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    echo "Python's venv is missing: installing the package python3-venv"; \
	    apt-get update -qq && apt-get install -y -qq --no-install-recommends python3-venv; \
	  else \
	    echo "Python's venv is missing: run 'apt-get install python3-venv' as root, then this again." >&2; exit 1; \
	  fi; fi
	@echo "Making .venv with $$($(PYTHON) --version)"
	@rm -rf .venv
	@$(PYTHON) -m venv .venv
	@touch $@

$(PACKAGES): | .venv/.made
	@echo "Installing $$(grep -c == $(LOCK)) Python packages, as locked in $(LOCK)"
	@$(BIN)/python -m pip install --no-deps -r $(LOCK) | sed -un 's/^ *Downloading /  &/p'
	@# setuptools is locked too, so nothing outside the lock is fetched to build the project.
	@$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@$(BIN)/python -m pip check
	@rm -f .venv/packages-*
	@touch $@

lock: ## Resolve pyproject.toml anew into the lock file
	@rm -rf .hotline/lock && mkdir -p .hotline
	@$(PYTHON) -m venv .hotline/lock
	@.hotline/lock/bin/python -c 'import tomllib; p = tomllib.load(open("pyproject.toml", "rb")); \
	  print("\n".join(p["build-system"]["requires"] + p["project"]["dependencies"] + p["project"]["optional-dependencies"]["dev"]))' \
	  > .hotline/lock/wanted.txt
	.hotline/lock/bin/python -m pip install -r .hotline/lock/wanted.txt
	@{ echo "# The full closure of pyproject.toml's packages. Made by \`make lock\`; do not edit."; \
	  .hotline/lock/bin/python -m pip freeze --all --exclude pip; } > .hotline/lock/new.lock
	@mv .hotline/lock/new.lock $(LOCK)
	@rm -rf .hotline/lock
	@echo "$$(grep -c == $(LOCK)) packages are locked in $(LOCK)"

clean: ## Remove everything that set-up and runs have made
	@if [ -e "$(STATE)/run/supervisor.lock" ] && ! flock -n "$(STATE)/run/supervisor.lock" true; then \
	  echo "A line of this checkout is running (process $$(cat "$(STATE)/run/supervisor.lock")). Stop it first, with Ctrl-C." >&2; exit 1; fi
	rm -rf .venv .hotline *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
