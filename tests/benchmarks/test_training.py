"""The benchmark of training steps, with a tiny one."""

import pytest
import torch

from benchmarks import training
from benchmarks.training import PARTS, FineTuning, Work, main

TINY = {"batch": 2, "frames": 8, "size": 32, "width": 8}


def table(capsys):
    """Settings of each row, and its first loss."""
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("|")]
    cells = [line.strip("| ").split(" | ") for line in lines]
    assert cells[0] == [
        *("precision", "freed memory", "step", "times faster"),
        *PARTS,
        "first loss",
    ]
    return cells[2:]


def test_the_table_has_times_and_shares(capsys, monkeypatch):
    parts = {(False, False): [4.0, 2.0, 1.0, 1.0], (True, True): [1.0, 0.5, 0.25, 0.25]}
    found = {setting: (seconds, 2.5) for setting, seconds in parts.items()}
    monkeypatch.setattr(training, "measure", lambda work, rounds: found)
    main([])
    first, last = table(capsys)
    assert first[:5] == ["32-true", "given back", "8.00 s", "1.00", "4.00 s, 50%"]
    assert last[:5] == ["bf16-mixed", "kept", "2.00 s", "4.00", "1.00 s, 50%"]
    assert last[-1] == "2.50000"


@pytest.mark.slow
def test_four_settings_from_the_same_weights(capsys):
    main(["--rounds=1", *(f"--{name}={value}" for name, value in TINY.items())])
    rows = table(capsys)
    assert [row[0] for row in rows] == ["32-true", "bf16-mixed"] * 2
    assert [row[1] for row in rows] == ["given back"] * 2 + ["kept"] * 2
    losses = [float(row[-1]) for row in rows]
    assert losses[2:] == losses[:2]
    assert losses[1] == pytest.approx(losses[0], rel=0.01)


def test_a_step_trains_what_comes_after_the_frozen_part():
    tuning = FineTuning(Work(**TINY), bfloat16=False)
    before = {name: p.detach().clone() for name, p in tuning.model.named_parameters()}
    parts, loss = tuning.step()
    assert len(parts) == len(PARTS)
    assert loss > 0
    moved = [n for n, p in tuning.model.named_parameters() if not torch.equal(p, before[n])]
    assert any("Mixed_4b" in name for name in moved)
    assert not any("Mixed_3c" in name or "Conv3d_" in name for name in moved)
