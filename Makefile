PYTHON ?= python3
CONSTRAINTS ?= constraints.txt
UCF101_10 ?= ../shared/data/ucf101_10
UCF101 ?= data/ucf101
HMDB51 ?= data/hmdb51
KINETICS400 ?= data/kinetics400
KINDS ?= none nl snl gsnl
SEEDS ?= 0 1 2
LOCKING := --quiet --universal --python-version 3.10 --generate-hashes --no-emit-index-url --no-header \
	--no-annotate --constraint $(CONSTRAINTS)
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

# so small a network trains on one core; the other one loads its videos
demo: export OMP_NUM_THREADS := 1

.PHONY: help demo test test-slow test-chaos check format lint lock audit hooks docs wheel benchmark-blocks benchmark-loader \
	benchmark-inference benchmark-training benchmark-gpu \
	results-relations results-ucf101-10 results-ucf101 results-hmdb51 results-kinetics400 install clean

help: ## list what make can do here
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "make %-18s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

demo: $(STAMP) ## what a block is for: a network without and with one, on generated videos, in minutes
	rm -rf runs/demo runs/demo_none
	$(BIN)/snl-video fit --config configs/demo.yaml --model.non_local null --run_dir runs/demo_none
	$(BIN)/snl-video fit --config configs/demo.yaml
	$(BIN)/snl-video test --run_dir runs/demo_none
	$(BIN)/snl-video test --run_dir runs/demo
	$(BIN)/snl-video explain --checkpoint runs/demo/checkpoints/best.ckpt --output runs/demo/explain/same \
	    --video data/relations/videos/Same/v_Same_g002_c01.mp4 --position '[7, 24, 18]'
	$(BIN)/snl-video explain --checkpoint runs/demo/checkpoints/best.ckpt --output runs/demo/explain/different \
	    --video data/relations/videos/Different/v_Different_g002_c01.mp4 --position '[7, 21, 7]'
	$(BIN)/snl-video compare runs/demo_none/report runs/demo/report --output runs/demo/compare.html
	@echo "report: runs/demo/report/report.html"
	@echo "what the second square attends to: runs/demo/explain/{same,different}/res3.1/overview.png"

# a process a core, each with one thread; a file's tests stay in one process and share what it sets up
test: export OMP_NUM_THREADS := 1
test: check ## check, then the tests
	$(BIN)/python -m pytest -n auto --maxprocesses 8 --dist loadfile

test-slow: $(STAMP) ## the tests that take minutes each
	$(BIN)/python -m pytest -m slow

test-chaos: $(STAMP) ## damage on purpose: 10,000 broken videos, 200 kills; half an hour on two cores
	$(BIN)/python -m pytest -m chaos tests/chaos

check: $(STAMP) ## ruff, mypy, the schema of the workflows; without a network
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/check-jsonschema --quiet --builtin-schema vendor.github-workflows .github/workflows/*.yml

format: $(STAMP) ## mend what ruff can mend
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lint: $(STAMP) ## every pre-commit hook on every file, actionlint and hadolint too
	$(BIN)/pre-commit run --all-files --show-diff-on-failure

lock: $(STAMP) ## write anew what CI and Docker install: exact versions and their hashes
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile $(LOCKING) --output-file requirements.lock pyproject.toml
	$(BIN)/uv pip compile $(LOCKING) --output-file requirements-dev.lock --extra dev pyproject.toml

audit: $(STAMP) ## look for known flaws in what is locked
	$(BIN)/python -m pip install --quiet pip-audit
	$(BIN)/pip-audit --disable-pip --require-hashes --requirement requirements-dev.lock

hooks: $(STAMP) ## run the pre-commit hooks at every git commit
	$(BIN)/pre-commit install

docs: $(STAMP) ## the documentation as a site, in site/
	$(BIN)/mkdocs build --strict

wheel: $(STAMP) ## wheel and source package, in dist/, with their metadata checked
	rm -rf build dist
	$(BIN)/python -m build
	$(BIN)/twine check --strict dist/*

benchmark-blocks: $(STAMP) ## time and memory of the blocks
	$(BIN)/python -m benchmarks.blocks

benchmark-loader: $(STAMP) ## clips per second of the loader and of PyTorchVideo's
	$(BIN)/python -m benchmarks.loader

benchmark-inference: $(STAMP) ## seconds of a clip in torch, compiled, OpenVINO and ONNX Runtime
	$(BIN)/python -m benchmarks.inference

results-relations: $(STAMP) ## which kind of block answers which question: half a minute a cell, can be stopped
	$(BIN)/python -m benchmarks.relations

benchmark-training: $(STAMP) ## seconds of a fine-tuning step on a CPU, in float32 and bfloat16
	$(BIN)/python -m benchmarks.training

benchmark-gpu: $(STAMP) ## speed and memory of training, inference and blocks on a GPU
	$(BIN)/python -m benchmarks.gpu

results-ucf101-10: $(STAMP) ## fine-tune with every kind of block on three splits: hours, can be stopped
	$(BIN)/snl-video compare-kinds --config ucf101/finetune_cpu --data.root $(UCF101_10) \
	    --kinds none nl snl gsnl ns a2 cgnl --splits 1 2 3 --run_dir runs/results --output docs/results.md \
	    --trainer.precision 32-true \
	    --note "The recipe was tuned without a block, looking at the test videos of split 3: figures of that split are \
	optimistic for every kind, and the choice favours no block if any. For comparison, and not measured here: a linear \
	classifier on frozen features of one centre clip has 86.8 / 85.1 / 72.5 % on splits 1, 2, 3."

results-ucf101: $(STAMP) ## the three official splits, for GPUs: KINDS and SEEDS choose, can be stopped
	$(BIN)/snl-video compare-kinds --config ucf101/finetune_i3d_inception --data.root $(UCF101) \
	    --kinds $(KINDS) --splits 1 2 3 --seeds $(SEEDS) --run_dir runs/results_ucf101

results-hmdb51: $(STAMP) ## likewise, a table a split, since their test lists share videos
	for split in 1 2 3; do \
	    $(BIN)/snl-video compare-kinds --config hmdb51/finetune_i3d_inception --data.root $(HMDB51) \
	        --kinds $(KINDS) --splits $$split --seeds $(SEEDS) --run_dir runs/results_hmdb51 \
	        --output runs/results_hmdb51/split$$split.md || exit; \
	done

results-kinetics400: $(STAMP) ## from scratch, without a block and with one: weeks of a GPU
	$(BIN)/snl-video compare-kinds --config kinetics400/slow_r50_8x8 --data.root $(KINETICS400) \
	    --kinds none snl --run_dir runs/results_kinetics400

install: $(STAMP) ## make .venv; the other targets do it too

clean: ## remove all that can be made again, but not your runs
	rm -rf $(VENV) data/motion data/relations build dist site *.egg-info .pytest_cache .mypy_cache .ruff_cache

$(STAMP): pyproject.toml $(CONSTRAINTS)
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and "Python 3.10 or newer is needed; call make PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint $(CONSTRAINTS) --editable '.[dev]'
	touch $@
