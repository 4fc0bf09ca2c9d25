.PHONY: demo test bad-input browser check clean

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

$(VENV)/.ready: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --editable '.[dev]'
	touch $@

demo: $(VENV)/.ready
	$(BIN)/python tools/run_demo.py

test: $(VENV)/.ready
	$(BIN)/python -m coverage erase
	OMP_NUM_THREADS=1 $(BIN)/python -m coverage run -m pytest -q -n 2 --ignore tests/browser
	$(BIN)/python -m coverage combine --quiet
	$(BIN)/python -m coverage report

bad-input: $(VENV)/.ready
	$(BIN)/python tests/bad_input/write_page.py

browser: $(VENV)/.ready
	$(BIN)/python -m pytest -q tests/browser

check: $(VENV)/.ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(MAKE) test
	$(MAKE) browser

clean:
	rm -rf $(VENV) build dist
