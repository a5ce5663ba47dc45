"""The benchmark of GPUs: its path on a CPU with tiny sizes, and its words without a GPU."""

import pytest
import torch

from benchmarks import gpu
from benchmarks.gpu import PRECISIONS, Precision, Work


def rows(text):
    return [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("|")]


def test_the_tables_have_every_precision(capsys):
    work = Work(
        torch.device("cpu"),
        batch=2,
        size=32,
        width=8,
        rounds=1,
        grid=(2, 4, 4),
        channels=8,
        networks=[("i3d_r50", 8)],
        extras=[{}, {"activation_checkpointing": True}],
    )
    gpu.networks(work)
    table = rows(capsys.readouterr().out)
    assert [line[1:3] for line in table[2:]] == [
        [precision, extra]
        for precision in PRECISIONS
        for extra in ("-", "activation_checkpointing")
    ]
    assert all(line[3].endswith("clips/s") and float(line[3].split()[0]) > 0 for line in table[2:])
    gpu.blocks(work)
    table = rows(capsys.readouterr().out)
    assert [line[0] for line in table[2:5]] == ["snl", "snl as N x N", "nl (SDPA)"]
    assert [line[1] for line in table[2::3]] == list(PRECISIONS)


@pytest.mark.parametrize("name", PRECISIONS)
def test_a_precision_is_left_as_it_was(name):
    device = torch.device("cpu")
    with Precision(name, device):
        assert torch.get_float32_matmul_precision() == ("high" if name == "TF32" else "highest")
        product = torch.eye(2) @ torch.eye(2)
    assert product.dtype == (torch.bfloat16 if name == "bfloat16" else torch.float32)
    assert torch.get_float32_matmul_precision() == "highest"
    assert not torch.is_autocast_enabled("cpu")


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is one")
def test_one_sentence_without_a_gpu(capsys):
    gpu.main([])
    captured = capsys.readouterr()
    assert captured.err.strip() == gpu.NO_GPU
    assert captured.out == ""
