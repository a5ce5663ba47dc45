"""`snl-video spectrum` and `explain` write what they promise."""

import json

import numpy as np
import pytest
import torch

from snl_video.commands import explain, spectra
from snl_video.errors import InputError, UsageError
from snl_video.inference import clip_graphs
from snl_video.inference.clip_graphs import ClipAndNetwork
from snl_video.training.module import VideoClassifier
from snl_video.weights.build import build_model
from tests.videos import write_video

SMALL = ["--num_frames=4", "--interval=2", "--short_side=40", "--size=32"]
FRESH = ["--backbone=c2d_r50", "--width=8", "--kind=snl"]


@pytest.fixture
def video(tmp_path):
    frames = np.random.default_rng(0).integers(0, 255, (12, 48, 64, 3), dtype=np.uint8)
    return write_video(tmp_path / "clip.mp4", frames=frames)


def test_a_fresh_network_gives_figures_and_numbers(video, tmp_path):
    places = ["--places=[res3.1,res4.4]", f"--output={tmp_path / 'out'}"]
    spectra.main(["spectrum", *FRESH, *places, *SMALL, f"--video={video}"])
    for place in ("res3.1", "res4.4"):
        found = json.loads((tmp_path / "out" / f"{place}.json").read_text())
        assert found["place"] == place
        assert max(found["eigenvalues"]) == pytest.approx(1)
        assert np.array(found["degree"]).shape == tuple(found["grid"])
        assert (tmp_path / "out" / f"{place}.png").stat().st_size > 1000


def test_a_network_without_blocks_is_refused(monkeypatch, video):
    plain = build_model("c2d_r50", 5, width=8)
    monkeypatch.setattr(clip_graphs, "build_model", lambda *a, **k: plain)
    with pytest.raises(InputError, match="no non-local block"):
        spectra.main(["spectrum", "--backbone", "c2d_r50", *SMALL, "--video", str(video)])


def test_a_checkpoint_gives_its_own_blocks_and_clip(video, tmp_path, capsys):
    from pytorch_lightning import Trainer

    spec = {"kind": "gsnl", "places": ["res4.4"], "options": {"order": 4}}
    classifier = VideoClassifier(backbone="c2d_r50", num_classes=3, width=8, non_local=spec)
    trainer = Trainer(logger=False, enable_checkpointing=False, accelerator="cpu")
    trainer.strategy.connect(classifier)
    trainer.save_checkpoint(tmp_path / "a.ckpt", weights_only=True)
    checkpoint = torch.load(tmp_path / "a.ckpt", weights_only=True)
    checkpoint["datamodule_hyper_parameters"] = {
        "clip": {"num_frames": 4, "interval": 1, "short": "repeat"},
        "crop": {"size": 32, "short_side": 32},
    }
    torch.save(checkpoint, tmp_path / "a.ckpt")
    arguments = ["--checkpoint", str(tmp_path / "a.ckpt"), "--video", str(video)]
    spectra.main(["spectrum", *arguments, "--output", str(tmp_path / "out")])
    found = json.loads((tmp_path / "out" / "res4.4.json").read_text())
    assert found["kind"] == "gsnl"
    assert found["grid"] == [2, 2, 2]
    assert found["options"]["order"] == 4
    folder = tmp_path / "explained"
    explain.main(["explain", *arguments, "--output", str(folder)])
    assert capsys.readouterr().out.splitlines()[-2].startswith("prediction: class ")
    shown = ClipAndNetwork(video, checkpoint=tmp_path / "a.ckpt").load()
    scores = shown.network(shown.network.normalise(shown.clip)).softmax(1)[0].detach()
    best = f"prediction: class {int(scores.argmax())} {100 * float(scores.max()):.1f} %, class "
    assert shown.prediction().startswith(best)


def test_explain_writes_the_pictures_of_every_block(video, tmp_path, capsys):
    words = ["explain", *FRESH, *SMALL, f"--video={video}", f"--output={tmp_path / 'out'}"]
    explain.main([*words, "--position=[1,31,0]", "--milliseconds=50"])
    folder = tmp_path / "out/res4.4"
    random, told = capsys.readouterr().out.splitlines()
    assert random == "no prediction: random weights"
    assert told.startswith(f"{folder}/overview.png: ")
    names = {f"frame_{number:02d}.png" for number in range(4)}
    names |= {"overview.png", "affinity.gif", "affinity.mp4"}
    assert {path.name for path in folder.iterdir()} == names
    with pytest.raises(InputError, match=r"position \(4, 0, 0\) lies outside the clip"):
        explain.main([*words, "--position=[4,0,0]"])


def test_one_network_is_to_be_named(video):
    for words in ([], ["--backbone=c2d_r50", "--checkpoint=a.ckpt"]):
        with pytest.raises(InputError, match="either a --checkpoint or, for random weights, a --b"):
            spectra.main(["spectrum", f"--video={video}", *words])
    with pytest.raises(UsageError, match="video"):
        spectra.main(["spectrum", "--backbone=c2d_r50"])
