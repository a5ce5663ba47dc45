"""Pickles of NumPy arrays."""

import os
import pickle

import numpy as np
import pytest

from snl_video.errors import PretrainedError
from snl_video.weights.safe_reading.arrays import load_arrays
from snl_video.weights.safe_reading.checkpoints import read_checkpoint


class Hostile:
    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return os.system, (f"touch {self.marker}",)


@pytest.mark.parametrize("protocol", [0, 2, 5])
def test_a_pickle_that_would_run_code_is_refused(tmp_path, protocol):
    marker = tmp_path / "ran"
    file = tmp_path / "weights.ckpt"
    file.write_bytes(pickle.dumps({"params": Hostile(marker)}, protocol))
    with pytest.raises(PretrainedError, match=r"weights\.ckpt refused: it would call .*system"):
        load_arrays(file)
    assert not marker.exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", r"is empty \(0 bytes\)"),
        (b"<!DOCTYPE html><html>", "a web page"),
        (pickle.dumps({"a": np.zeros(100)})[:-50], "cut short or broken"),
        (pickle.dumps([1, 2]), "holds a list, not a dictionary"),
        (pickle.dumps({"a": np.zeros(3).view(np.matrix)}), "refused"),
    ],
)
def test_a_broken_pickle_is_named(tmp_path, content, message):
    file = tmp_path / "weights.ckpt"
    file.write_bytes(content)
    with pytest.raises(PretrainedError, match=message):
        read_checkpoint(file)


def test_an_array_may_not_be_made_large_before_its_data(tmp_path):
    huge = b"\x80\x02cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\n"
    huge += b"J\xff\xff\xff\x7f\x85U\x01b\x87R."
    file = tmp_path / "weights.ckpt"
    file.write_bytes(huge)
    with pytest.raises(PretrainedError, match=r"refused: an array of .* with shape \(2147483647,"):
        load_arrays(file)


def test_arrays_of_every_pickle_protocol_are_read(tmp_path):
    values = {"a": np.arange(6.0).reshape(2, 3), "b": np.float32(2.5), "c": {"d": np.int64(3)}}
    for protocol in range(6):
        file = tmp_path / f"{protocol}.pkl"
        file.write_bytes(pickle.dumps(values, protocol))
        found = load_arrays(file)
        np.testing.assert_array_equal(found["a"], values["a"])
        assert (found["b"], found["c"]["d"]) == (2.5, 3)
