"""Training and evaluation on two machines, which are two `torchrun`s on one."""

import time

import pytest
import torch

from tests.cli.tiny_run import read_csv
from tests.cluster.nodes import (
    SECONDS,
    cut_power,
    machine,
    run_on_one,
    run_on_two,
    two_machines,
    words_of,
)

pytestmark = pytest.mark.ddp


def weights(run):
    return torch.load(run / "checkpoints/last.ckpt", weights_only=True)["state_dict"]


@pytest.fixture(scope="module")
def trained(videos, tmp_path_factory):
    """The folder of a run of two machines."""
    folder = tmp_path_factory.mktemp("nodes")
    words = words_of("fit", videos, folder / "run", "--trainer.max_epochs=1")
    run_on_two(folder / "logs", words)
    return folder / "run"


def test_two_machines_train_as_two_processes_of_one(videos, trained, tmp_path):
    words = words_of("fit", videos, tmp_path / "run", "--trainer.max_epochs=1")
    run_on_one(tmp_path, words, 2)
    have = weights(trained)
    assert all(torch.equal(have[name], value) for name, value in weights(tmp_path / "run").items())


@pytest.mark.slow
def test_two_machines_evaluate_as_one_process(videos, trained, tmp_path):
    best = f"--ckpt_path={trained}/checkpoints/best.ckpt"
    run_on_two(tmp_path, words_of("test", videos, tmp_path / "two", best))
    run_on_one(tmp_path, words_of("test", videos, tmp_path / "one", best), 1)
    one, two = (read_csv(tmp_path / name / "report/videos.csv") for name in ("one", "two"))
    assert len(one) == 10
    assert one == two
    one, two = ((tmp_path / name / "report/videos.parquet").read_bytes() for name in ("one", "two"))
    assert one == two


@pytest.mark.slow
def test_a_machine_that_dies_and_comes_again_changes_nothing(videos, tmp_path):
    """The other one starts its process anew, and both go on from the last checkpoint."""
    epochs = ["--trainer.max_epochs=4", "--resume=auto"]
    run_on_one(tmp_path, words_of("fit", videos, tmp_path / "whole", *epochs), 2)
    run, logs = tmp_path / "run", tmp_path / "logs"
    words = words_of("fit", videos, run, *epochs, "--trainer.num_nodes=2", "--trainer.devices=1")
    first, second = two_machines()
    with machine(logs / "0.txt", words, first) as one:
        with machine(logs / "1.txt", words, second) as two:
            end = time.monotonic() + SECONDS
            while not (run / "checkpoints/last.ckpt").exists() and time.monotonic() < end:
                time.sleep(0.05)
            cut_power(two)
        assert torch.load(run / "checkpoints/last.ckpt", weights_only=True)["epoch"] < 3
        with machine(logs / "2.txt", words, second) as again:
            codes = [agent.wait(SECONDS) for agent in (one, again)]
    printed = (logs / "0.txt").read_text()
    assert codes == [0, 0], printed[-2000:]
    assert "error: another process of this run has ended" in printed
    assert f"resumes {run}/checkpoints/last.ckpt" in printed
    have = weights(run)
    want = weights(tmp_path / "whole")
    assert all(torch.equal(have[name], value) for name, value in want.items())
