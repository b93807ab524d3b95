# make demo: set up and bake a small bilingual model.   make test: set up and run every check.   make bench: the comparisons.
# make catalogues: collect what Fournil says, and compile its translations.
# make demo bakes the first of RECIPE whose documents can be reached from this machine.
# make demo TORCH_INDEX=https://…  takes torch from the index named.

PYTHON ?= python3
RECIPE ?= recipes/petit.toml recipes/petit-hub.toml
TORCH_INDEX ?=
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet --constraint constraints.txt
SOURCE_ONLY := rouge-score,sqlitedict,word2number
CPU_INDEX := https://download.pytorch.org/whl/cpu

.PHONY: demo test bench catalogues clean

demo: .venv/demo.stamp
	$(BIN)/fournil bake $(RECIPE)

test: .venv/test.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright
	$(BIN)/lint-imports
	$(BIN)/python -m pytest

bench: .venv/bench.stamp
	for script in bench/*.py; do $(BIN)/python $$script || exit 1; done

catalogues: .venv/test.stamp
	$(BIN)/python tools/catalogues.py

clean:
	rm -rf .venv

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Fournil needs Python 3.11 or newer; name one with PYTHON=…"; exit 1; }
	@$(PYTHON) -m venv .venv || { echo "python3 -m venv failed: on Debian and Ubuntu, install python3-venv"; exit 1; }

# torch first and alone: without an NVIDIA GPU, one short try at the CPU wheels, which are a tenth of the size.
.venv/torch.stamp: .venv/bin/python constraints.txt
	@echo "Installing torch …"
	@if $(BIN)/python -c 'import importlib.util as u, sys; sys.exit(u.find_spec("torch") is None)'; then :; \
	elif [ -n "$(TORCH_INDEX)" ]; then $(PIP) --index-url "$(TORCH_INDEX)" 'torch>=2.13'; \
	elif command -v nvidia-smi >/dev/null; then $(PIP) 'torch>=2.13'; \
	else $(PIP) --retries 0 --timeout 5 --index-url $(CPU_INDEX) 'torch>=2.13' >/dev/null 2>&1 \
	  || $(PIP) 'torch>=2.13'; fi
	@touch $@

.venv/demo.stamp: .venv/torch.stamp pyproject.toml constraints.txt
	@echo "Installing Fournil …"
	@$(PIP) --only-binary=:all: --editable '.[transformers,llamacpp]'
	@touch $@

.venv/test.stamp: .venv/torch.stamp pyproject.toml constraints.txt
	@echo "Installing Fournil and what its tests need …"
	@$(PIP) --only-binary=:all: --no-binary=$(SOURCE_ONLY) --editable '.[test]'
	@touch $@ .venv/demo.stamp

.venv/bench.stamp: .venv/test.stamp
	@echo "Installing the peers of the comparisons …"
	@$(PIP) --only-binary=:all: --no-binary=$(SOURCE_ONLY) --editable '.[test,bench]'
	@touch $@
