"""A table of all kinds of block, fine-tuned on every split: `python -m benchmarks.results`."""
