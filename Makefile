# `make` lists the targets. The environment lives in .venv; what is pinned is in constraints.txt.
PYTHON ?= python3
BIN := .venv/bin
OUT ?= reports/rendered

.DEFAULT_GOAL := help
.PHONY: help report test lab bench evidence check-python clean

help:  ## list the targets
	@sed -n 's/^\([a-z]*\):.*  ## \(.*\)/make \1|\2/p' $(MAKEFILE_LIST) | column -t -s '|' 2>/dev/null || grep '  ## ' $(MAKEFILE_LIST)

report: .venv/.report  ## render the main report from the simulated market, print its path
	@$(BIN)/research report token-or-hardware --store sample --out "$(OUT)"

test: .venv/.test  ## every test, lint, type and import check
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest -n auto --dist loadfile

lab: .venv/.lab  ## open JupyterLab on the notebooks
	$(BIN)/jupyter lab --notebook-dir=notebooks

evidence: .venv/.report  ## false alarms, power and truth found, in made worlds (10 minutes)
	$(BIN)/python -m research.evidence

bench: .venv/.test  ## measure speed and memory
	$(BIN)/python -m tests.benchmarks

clean:  ## remove the environment and what was rendered
	rm -rf .venv reports/rendered .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

# uv where it is installed, else pip: both under the same constraints, for builds too
define install
	@if command -v uv >/dev/null 2>&1; then \
		uv pip install --quiet --python $(BIN)/python -c constraints.txt --build-constraints constraints.txt -e '$(1)'; \
	else \
		PIP_CONSTRAINT=constraints.txt $(BIN)/python -m pip install --quiet --disable-pip-version-check -e '$(1)'; \
	fi
	@touch $@
endef

check-python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo 'Python 3.11 or newer is needed; name one: make PYTHON=python3.12 ...' >&2; exit 1; }

$(BIN)/python: | check-python
	@echo 'making the environment in .venv, once' >&2
	@if command -v uv >/dev/null 2>&1; then uv venv --quiet --python $(PYTHON) .venv; else $(PYTHON) -m venv .venv; fi

.venv/.report: pyproject.toml constraints.txt | $(BIN)/python
	$(call install,.)

.venv/.test: pyproject.toml constraints.txt | $(BIN)/python
	$(call install,.[dev])

.venv/.lab: pyproject.toml constraints.txt | $(BIN)/python
	$(call install,.[lab])
