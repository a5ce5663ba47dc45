"""Features in the parts of a list, by processes that are stood in for by this one."""

import json
from functools import partial

import fsspec
import numpy as np
import pytest
import torch
from rich.console import Console
from safetensors import safe_open
from safetensors.numpy import load

from snl_video.commands.missing_parts import do_missing
from snl_video.data.feature_files import FeatureFiles, key_of
from snl_video.errors import InputError, VideoError
from snl_video.inference.feature_parts import FeatureParts, PartFeatures

NAMES = [f"videos/{letter}.mp4" for letter in "abcde"]
SETTINGS = {"place": "res4", "clip": {"num_frames": 8}}


class Source:
    """Features that tell which video they are of; c is bad until it is mended."""

    settings = SETTINGS
    mended = False

    def features(self, record):
        if "c.mp4" in record.path and not self.mended:
            raise VideoError(record.path, "the file is empty")
        seconds = record.segment.start if record.segment else 0.0
        return torch.full((2, 3), ord(record.id[-5]) + seconds)


class Here:
    """A pool of this process alone, which stops after some parts as if it were killed."""

    def __init__(self, last=99):
        self.last = last
        self.done = []

    def answers(self, make, parts):
        work = make()
        for part in json.loads(json.dumps(parts))[: self.last]:
            self.done.append(part[0])
            yield work(part)


def videos_in(folder):
    """Names in all shards, as often as they are there."""
    found = []
    for shard in folder.glob("shard-*"):
        with safe_open(shard, "np") as file:
            found += [row["video"] for row in json.loads(file.metadata()["videos"])]
    return sorted(found)


def compute(url, pool, source=Source, retry=False, names=NAMES, segment=None):
    parts = FeatureParts(url, names, 2, {"source": "m"})
    make = partial(PartFeatures, source, url)
    part_of = lambda n: (parts.file_of(n), [(x, x, segment) for x in parts.names_of(n)])  # noqa: E731
    failed = do_missing(parts, SETTINGS, pool, make, part_of, Console(quiet=True), retry)
    parts.write_index()
    return failed


def test_what_was_stopped_goes_on(tmp_path):
    parts = FeatureParts(str(tmp_path / "f"), NAMES, 2, {"source": "m"})
    make = partial(PartFeatures, Source, parts.url)
    part_of = lambda n: (parts.file_of(n), [(x, x, None) for x in parts.names_of(n)])  # noqa: E731
    do_missing(parts, SETTINGS, Here(last=1), make, part_of, Console(quiet=True))
    assert len(FeatureFiles(parts.url)) == 2
    pool = Here()
    assert compute(parts.url, pool) == {"videos/c.mp4": "the file is empty"}
    assert pool.done == [
        "shard-00000002-00000003.safetensors",
        "shard-00000004-00000004.safetensors",
    ]
    kept = FeatureFiles(parts.url)
    assert videos_in(tmp_path / "f") == list(kept.rows) == NAMES
    assert kept.key == key_of(SETTINGS)
    assert kept.origin == {"source": "m"}
    for name in set(NAMES) - {"videos/c.mp4"}:
        assert np.array_equal(kept[name], np.full((2, 3), ord(name[-5]), np.float16))
    lines = (tmp_path / "f/videos.csv").read_text().splitlines()
    assert lines[0] == "video,shard,reason"
    assert lines[3] == "videos/c.mp4,shard-00000002-00000003.safetensors,the file is empty"
    assert len(lines) == 6


def test_only_parts_of_failures_are_tried_again(tmp_path):
    url = str(tmp_path / "f")
    assert compute(url, Here())
    pool, mended = Here(), type("Mended", (Source,), {"mended": True})
    assert compute(url, pool, mended, retry=True) == {}
    assert pool.done == ["shard-00000002-00000003.safetensors"]
    assert FeatureFiles(url)["videos/c.mp4"][0, 0] == ord("c")


def test_an_address_gets_the_same_files(tmp_path):
    url = f"memory://{tmp_path.name}/f"
    assert compute(url, Here()) == compute(str(tmp_path / "f"), Here())
    files, folder = fsspec.url_to_fs(url)
    for file in (tmp_path / "f").iterdir():
        there, here = files.cat_file(f"{folder}/{file.name}"), file.read_bytes()
        if file.suffix == ".safetensors":  # its header is in no order
            there, here = (
                {name: array.tolist() for name, array in load(content).items()}
                for content in (there, here)
            )
        assert there == here, file.name


def test_a_segment_is_seen_as_one(tmp_path):
    compute(str(tmp_path), Here(), segment=(4.0, 6.0, "seconds"))
    assert FeatureFiles(tmp_path)["videos/a.mp4"][0, 0] == ord("a") + 4


def test_another_list_or_place_needs_another_folder(tmp_path):
    compute(str(tmp_path), Here())
    with pytest.raises(InputError, match="videos was 5"):
        compute(str(tmp_path), Here(), names=NAMES[:4])
    parts = FeatureParts(str(tmp_path), NAMES, 2, {})
    with pytest.raises(InputError, match="place was 'res4'"):
        parts.begin(SETTINGS | {"place": "res5"})


def test_numbers_beyond_float16_are_refused(tmp_path):
    huge = type("Huge", (Source,), {"features": lambda self, record: torch.full((1, 1), 1e9)})
    with pytest.raises(InputError, match=r"a\.mp4 are not finite in float16"):
        compute(str(tmp_path), Here(), huge)
