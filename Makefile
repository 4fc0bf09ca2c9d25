.PHONY: demo picture test coverage slow adversity corpus models bad-input reference browser docs lint check dist example sbom compatibility fuzz \
	mutation clean

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# else each of the processes that tests start compiles the plugin, and pytest rewrites it, again
unexport PYTHONDONTWRITEBYTECODE

$(VENV)/.ready: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --editable '.[dev]'
	touch $@

demo: $(VENV)/.ready
	$(BIN)/python tools/run_demo.py

# the example repository as its user has it: the wheel in a new environment; takes 6 GB meanwhile
example: $(VENV)/.ready
	$(BIN)/python tools/run_example.py

QUICK := -m pytest -q -n 2 --ignore tests/browser --ignore tests/site --ignore tests/adversity --ignore tests/corpus --ignore tests/models

test: $(VENV)/.ready
	OMP_NUM_THREADS=1 $(BIN)/python $(QUICK)

# these, and those marked long; how much of the code they run
coverage: $(VENV)/.ready
	$(BIN)/python -m coverage erase
	OMP_NUM_THREADS=1 $(BIN)/python -m coverage run $(QUICK) -m "not slow and not more"
	$(BIN)/python -m coverage combine --quiet
	$(BIN)/python -m coverage report

# tests of more than ten seconds (models, determinism, killed processes, a Ray cluster), and those
# marked more: other photos and processes
slow: $(VENV)/.ready
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -n 2 -m "slow or more" tests --ignore tests/site --ignore tests/corpus --ignore tests/models

# ways round the gates, and their table in docs/explanation/reliability.md
adversity: $(VENV)/.ready
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -n 2 tests/adversity --write-ways

# some hundred image files, made from photos, each against another decoder
corpus: $(VENV)/.ready
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -n 2 tests/corpus

# small models of every kind against transformers, layer by layer, each preprocessor field changed
models: $(VENV)/.ready
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -n 2 tests/models

bad-input: $(VENV)/.ready
	$(BIN)/python tests/bad_input/write_page.py

# docs/reference, from what the package declares; the output in README and docs, from the demo
reference: $(VENV)/.ready
	$(BIN)/python tools/make_reference.py
	$(BIN)/python tools/demo_output.py

# pictures of README and docs, from the demo; that of the report takes Chromium
picture: $(VENV)/.ready
	$(BIN)/python tools/demo_picture.py
	$(BIN)/python tools/readme_picture.py
	$(BIN)/python tools/metric_pictures.py

browser: $(VENV)/.ready
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -n 2 tests/browser

# the site, into build/site: a warning is an error; its links, coverage and pages in Chromium
docs: $(VENV)/.ready
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict
	$(BIN)/python -m pytest -q -n 2 tests/site

lint: $(VENV)/.ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/codespell

# of the documents only that they build, and no slow tests: with either it would come close to twenty minutes
check: $(VENV)/.ready
	$(MAKE) lint
	$(MAKE) coverage
	$(MAKE) browser
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet --strict

dist: $(VENV)/.ready
	rm -rf dist
	$(BIN)/python -m build
	$(BIN)/twine check --strict dist/*
	$(BIN)/python -m pytest -q tests/repository/test_wheel.py

# what pip installs today into an empty environment, and nothing of what is only for development
sbom:
	rm -rf build/sbom
	$(PYTHON) -m venv build/sbom/runtime
	$(PYTHON) -m venv build/sbom/tool
	build/sbom/runtime/bin/pip install --quiet .
	build/sbom/runtime/bin/pip uninstall --quiet --yes pip setuptools
	build/sbom/tool/bin/pip install --quiet 'cyclonedx-bom>=7'
	mkdir -p dist
	build/sbom/tool/bin/cyclonedx-py environment --pyproject pyproject.toml \
		--output-reproducible --output-format JSON --output-file dist/sbom.cdx.json \
		build/sbom/runtime/bin/python
	rm -rf build/sbom

FUZZ_SECONDS ?= 600
fuzz: $(VENV)/.ready
	$(BIN)/pip install --quiet --editable '.[fuzz]'
	$(BIN)/python tests/fuzz/run_fuzz.py $(FUZZ_SECONDS)

MUTANTS ?= 500
mutation: $(VENV)/.ready
	$(BIN)/pip install --quiet --editable '.[fuzz]'
	$(BIN)/python tests/mutation/run_mutation.py --sample $(MUTANTS)

compatibility: $(VENV)/.ready
	$(BIN)/nox

clean:
	rm -rf $(VENV) build dist
