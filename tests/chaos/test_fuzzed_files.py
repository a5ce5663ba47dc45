"""Ten thousand damaged videos: every one is a clip or an error that names it."""

import os
from collections import Counter

import pytest

from tests.data.fuzz import KINDS, finish, start

COUNT = int(os.environ.get("SNL_VIDEO_CHAOS_FILES", "10000"))
TIMEOUT = 20


@pytest.mark.chaos
def test_fuzzed_files(tmp_path):
    """Two processes; each file is read as training does and looked at as `check` does."""
    seeds = (1, 2)
    half = COUNT // len(seeds)
    running = [start(tmp_path / str(seed), half, seed, TIMEOUT, "all") for seed in seeds]
    found = sum((finish(process, limit=3600) for process in running), Counter())
    print(dict(found))
    assert found["clip"] + found["error"] + found["stopped"] == half * len(seeds)
    assert sum(n for name, n in found.items() if "check" in name) == half * len(seeds)
    assert found["stopped"] + found["check: stopped"] <= COUNT / 1000
    assert min(found["clip"], found["error"]) > COUNT / 5


def test_the_kinds_are_many():
    codecs = {options["codec"] for options in KINDS["all"].values()}
    containers = {name.partition(".")[2] for name in KINDS["all"]}
    assert len(codecs) >= 8
    assert len(containers) >= 8
