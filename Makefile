# Everything here needs Python 3.11 or newer, and make; the rest is installed into .venv.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/ready
# Processes of pytest: more than a small machine has cores, since many tests wait for something.
TESTERS ?= 4

.PHONY: demo test test-all check bench clean

demo: $(READY)        ## Made-up hands: trained, judged, exported, recognised live; no camera needed.
	$(BIN)/ademan demo -o demo

test: $(READY)        ## All tests that take less than 20 s each.
	$(BIN)/pytest -n $(TESTERS)

test-all: $(READY)    ## The slow ones too.
	$(BIN)/pytest -n $(TESTERS) -m ""

check: $(READY)       ## Style, types, and the one-way imports.
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(READY)       ## Compare with Keras, in one run, in turn; sets up an environment of its own.
	$(BIN)/python benchmarks/run.py

clean:
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .import_linter_cache

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit("Ademan needs Python 3.11 or newer; this is " + sys.version.split()[0] + ". Name another:  make PYTHON=python3.12") if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[dev,all]'
	@touch $(READY)
