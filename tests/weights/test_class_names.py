"""Which classes weights know, and where two lists of classes part."""

import pickle
from pathlib import Path

import pytest
import torch

from snl_video.errors import PretrainedError
from snl_video.weights import class_names, first_difference, kinetics400_classes, known_classes
from snl_video.weights.safe_reading.checkpoints import sha256
from tests.weights.cases import network, saved
from tests.weights.deepmind_arrays import random_network, tree

LIST = Path(__file__).parents[2].parent / "shared/data/kinetics400/annotations/label_map.txt"


def test_the_shipped_names_are_400_in_the_published_order():
    names = kinetics400_classes()
    assert len(set(names)) == len(names) == 400
    assert names == sorted(names)
    assert [names[label] for label in (0, 5, 399)] == ["abseiling", "archery", "zumba"]
    assert all(name == name.strip() != "" for name in names)


def test_the_shipped_names_are_those_of_the_published_list():
    if not LIST.is_file():
        pytest.skip(f"no published list at {LIST}")
    assert kinetics400_classes() == LIST.read_text().splitlines()


def test_the_name_of_published_weights_needs_no_file(tmp_path, monkeypatch):
    monkeypatch.setenv("SNL_VIDEO_CACHE", str(tmp_path))
    assert known_classes("kinetics400") == kinetics400_classes()


def test_the_published_file_is_known_by_its_checksum(tmp_path, monkeypatch):
    path = tmp_path / "weights.ckpt"
    path.write_bytes(pickle.dumps(tree(random_network())))
    assert known_classes(str(path)) is None
    monkeypatch.setattr(class_names, "SHA256", sha256(path))
    assert known_classes(str(path)) == kinetics400_classes()


@pytest.mark.parametrize(
    ("settings", "known"),
    [
        ({"classes": ["b", "a"]}, ["b", "a"]),
        ({"classes": None}, None),
        ({"classes": []}, None),
        ({"classes": [1, 2]}, None),
        ({}, None),
        (None, None),
    ],
)
def test_a_checkpoint_of_this_package_tells_its_classes(tmp_path, settings, known):
    weights = {f"network.{k}": v for k, v in network("slow_r50", 2).state_dict().items()}
    content = {"state_dict": weights} | ({} if settings is None else {"hyper_parameters": settings})
    assert known_classes(str(saved(tmp_path, content))) == known


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    with pytest.raises(PretrainedError, match=r"none\.pth does not exist"):
        known_classes(str(tmp_path / "none.pth"))
    path = saved(tmp_path, {"weight": torch.zeros(2)})
    assert known_classes(str(path)) is None


@pytest.mark.parametrize(
    ("data", "weights", "words"),
    [
        (["a", "b"], ["a", "b"], None),
        (["a", "b"], ["b", "a"], "class 0 is 'a' in the data and 'b' in the weights"),
        (["a", "x", "c"], ["a", "b", "c"], "class 1 is 'x' in the data and 'b' in the weights"),
        (["a"], ["a", "b", "c"], "class 1 is 'b' in the weights and absent in the data (1 classes"),
        (["a", "b"], ["a"], "class 1 is 'b' in the data and absent in the weights (2 classes"),
    ],
)
def test_the_first_difference_is_told(data, weights, words):
    found = first_difference(data, weights)
    assert found is None if words is None else found.startswith(words)
