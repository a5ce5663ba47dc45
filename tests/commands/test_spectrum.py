"""The spectrum tool: its numbers are those of the block, its files are there."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from snl_video.blocks import build_block
from snl_video.commands import spectrum
from snl_video.commands.spectrum import measure
from snl_video.inference import clip_graphs
from snl_video.inference.clip_graphs import Seen, graphs_of
from snl_video.models.insertion import inserted_blocks
from snl_video.training.module import VideoClassifier
from snl_video.weights.build import build_model


@pytest.fixture
def video(tmp_path: Path) -> Path:
    av = pytest.importorskip("av")
    path = tmp_path / "clip.mp4"
    generator = np.random.default_rng(0)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for _ in range(12):
            pixels = generator.integers(0, 255, (48, 64, 3), dtype=np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode())
    return path


SMALL = ["--num-frames", "4", "--interval", "2", "--short-side", "40", "--size", "32"]


def test_a_fresh_network_gives_figures_and_numbers(video: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    model = ["--backbone", "c2d_r50", "--width", "8", "--kind", "snl"]
    places = ["--places", "res3.1", "res4.4", "--output", str(tmp_path / "out")]
    spectrum.main(["spectrum", *model, *places, *SMALL, "--video", str(video)])
    for place in ("res3.1", "res4.4"):
        found = json.loads((tmp_path / "out" / f"{place}.json").read_text())
        assert found["place"] == place
        assert max(found["eigenvalues"]) == pytest.approx(1)
        assert np.array(found["degree"]).shape == tuple(found["grid"])
        assert (tmp_path / "out" / f"{place}.png").stat().st_size > 1000


def test_the_graph_is_that_of_the_features_before_the_block() -> None:
    torch.manual_seed(0)
    spec = {"kind": "snl", "places": ["res3.1"]}
    network = build_model("c2d_r50", 5, width=8, non_local=spec).eval()
    clip = torch.randint(0, 255, (1, 3, 4, 32, 32), dtype=torch.uint8)
    given = []
    block = inserted_blocks(network)["res3.1"]
    block.register_forward_pre_hook(lambda _, args: given.append(args[0]))
    seen = graphs_of(network, clip)["res3.1"]
    assert seen.grid == tuple(given[0].shape[2:])
    torch.testing.assert_close(seen.graph.dense(), block.graph(given[0]).dense())


@pytest.mark.parametrize("kind", ["nl", "a2", "cgnl", "cc", "dnl", "snl", "gsnl"])
def test_every_kind_is_measured(kind: str) -> None:
    block = build_block(kind, 8)
    x = torch.randn(1, 8, 2, 3, 4)
    found = json.loads(json.dumps(measure(Seen(block, block.graph(x), (2, 3, 4)))))
    assert np.array(found["degree"]).shape == (2, 3, 4)
    assert (found["response"] is None) == (kind in ("cgnl", "cc", "dnl"))
    assert found["eigenvalues"]


def test_a_pooled_graph_has_no_eigenvalues() -> None:
    block = build_block("nl", 8, pool=(1, 2, 2))
    x = torch.randn(1, 8, 2, 4, 4)
    found = measure(Seen(block, block.graph(x), (2, 4, 4)))
    assert found["eigenvalues"] is None
    np.testing.assert_allclose(found["degree"], 1, rtol=1e-5)


def test_a_network_without_blocks_is_refused(monkeypatch: pytest.MonkeyPatch, video: Path) -> None:
    plain = build_model("c2d_r50", 5, width=8)
    monkeypatch.setattr(clip_graphs, "build_model", lambda *a, **k: plain)
    with pytest.raises(ValueError, match="no non-local block"):
        spectrum.main(["spectrum", "--backbone", "c2d_r50", *SMALL, "--video", str(video)])


def test_a_checkpoint_gives_its_own_blocks_and_clip(video: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
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
    spectrum.main(["spectrum", *arguments, "--output", str(tmp_path / "out")])
    found = json.loads((tmp_path / "out" / "res4.4.json").read_text())
    assert found["kind"] == "gsnl"
    assert found["grid"] == [2, 2, 2]
    assert found["options"]["order"] == 4
