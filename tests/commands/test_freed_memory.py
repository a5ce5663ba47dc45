"""Memory that is kept between steps: the same numbers, fewer pages asked of the system."""

import json
import os
import subprocess
import sys

import pytest
import torch

from snl_video.cli import main
from snl_video.commands import freed_memory, predict, video_cli
from snl_video.commands.freed_memory import SWITCH, keep_freed_memory
from tests.cli.conftest import videos  # noqa: F401
from tests.cli.tiny_run import fit
from tests.commands.test_predict_videos import folder  # noqa: F401
from tests.inference.conftest import recognizer  # noqa: F401

STEPS = """
import hashlib, json, resource
import torch
from snl_video.commands.freed_memory import keep_freed_memory
from tests.training.tiny import classifier, state_of

kept = keep_freed_memory(torch.device("cpu"))
model = classifier(non_local={"kind": "snl"}, channels_last=True)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
clips = torch.randint(256, (2, 3, 4, 32, 32), dtype=torch.uint8)
for _ in range(2):
    optimizer.zero_grad()
    loss = model.loss(model(clips), torch.tensor([0, 1]))
    loss.backward()
    optimizer.step()
digest = hashlib.sha256()
for value in state_of(model).values():
    digest.update(value.contiguous().numpy().tobytes())
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(6):
    torch.empty(2**24).fill_(1)
faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
print(json.dumps({"kept": kept, "state": digest.hexdigest(), "faults": faults}))
"""
GLIBC = freed_memory.platform.libc_ver()[0] == "glibc"


@pytest.mark.skipif(not GLIBC, reason="only glibc has mallopt")
def test_the_same_numbers_with_fewer_pages():
    found = {}
    for switch in ("0", "1"):
        variables = {**os.environ, SWITCH: switch}
        words = [sys.executable, "-c", STEPS]
        done = subprocess.run(words, env=variables, check=True, capture_output=True, text=True)
        found[switch] = json.loads(done.stdout)
    assert [found[switch]["kept"] for switch in "01"] == [False, True]
    assert found["1"]["state"] == found["0"]["state"]
    assert found["1"]["faults"] < found["0"]["faults"] / 3


@pytest.mark.parametrize("libc", [("", ""), ("musl", "1.2")])
def test_nothing_happens_with_another_c_library(monkeypatch, libc):
    monkeypatch.setattr(freed_memory.platform, "libc_ver", lambda: libc)
    monkeypatch.setattr(freed_memory.ctypes, "CDLL", None)
    assert not keep_freed_memory(torch.device("cpu"))


def test_nothing_happens_on_a_gpu(monkeypatch):
    monkeypatch.setattr(freed_memory.ctypes, "CDLL", None)
    assert not keep_freed_memory(torch.device("cuda"))


def test_training_and_predictions_keep_memory(folder, videos, monkeypatch):  # noqa: F811
    kept = []
    for module in (video_cli, predict):
        monkeypatch.setattr(module, "keep_freed_memory", kept.append)
    fit(videos, folder / "run", "--trainer.fast_dev_run=true")
    assert main(["predict", "m", "videos/a.mp4"]) == 0
    assert kept == [torch.device("cpu")] * 2
