"""DeepMind's arrays into the network."""

import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from snl_video.errors import FetchError
from snl_video.weights import build_model
from snl_video.weights.formats.inception import from_deepmind, is_deepminds
from snl_video.weights.hub import kinetics400_i3d
from snl_video.weights.safe_reading.checkpoints import read_checkpoint
from tests.weights.deepmind_arrays import random_network, tree

GOLDEN = Path(__file__).parents[3].parent / "shared" / "golden" / "i3d" / "logits_T16.safetensors"


def test_every_array_finds_its_place(tmp_path):
    network = random_network()
    file = tmp_path / "weights.ckpt"
    file.write_bytes(pickle.dumps(tree(network)))
    arrays = read_checkpoint(file)
    assert is_deepminds(arrays)
    other = build_model("i3d_inception", 7, width=8).eval()
    result = other.load_state_dict(from_deepmind(arrays), strict=False)
    assert not result.unexpected_keys
    assert all(name.endswith("num_batches_tracked") for name in result.missing_keys)
    clip = torch.randn(1, 3, 8, 32, 32)
    with torch.no_grad():
        assert torch.equal(other(clip), network(clip))


def test_an_unknown_name_is_kept_for_the_report():
    arrays = {"params": {"Conv3d_1a_7x7": {"Gate_0": {"kernel": np.zeros(3, np.float32)}}}}
    assert list(from_deepmind(arrays)) == ["params/Conv3d_1a_7x7/Gate_0/kernel"]


def test_published_logits():
    if not GOLDEN.exists():
        pytest.skip(f"no reference values at {GOLDEN}")
    try:
        weights = load_file(kinetics400_i3d())
    except FetchError as error:
        pytest.skip(f"the weights cannot be fetched: {error}")
    network = build_model("i3d_inception", 400).eval()
    network.load_state_dict(weights, strict=False)
    wave = torch.sin(0.37 * torch.arange(3 * 16 * 224 * 224, dtype=torch.float64))
    clip = wave.float().view(1, 3, 16, 224, 224)
    golden = load_file(GOLDEN)
    with torch.no_grad():
        logits = network(clip)
        features = network.trunk.features(clip).mean(dim=(3, 4)).mean(dim=2)
    for ours, theirs in ((logits, golden["logits"]), (features, golden["features"])):
        assert (ours - theirs).norm() / theirs.norm() < 1e-4
