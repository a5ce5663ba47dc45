"""`snl-video features`, end to end: what it keeps, and what it does when it is called again."""

import json
import signal

import numpy as np
import pytest
import torch

from snl_video import cli
from snl_video.data.decoding import open_video
from snl_video.data.feature_files import FeatureFiles
from snl_video.data.segments import Segment
from snl_video.data.video_list import VideoRecord
from snl_video.inference.feature_source import FeatureSource
from snl_video.weights import build_model
from tests.videos import write_ucf101, write_video

CLIP = ["--num_frames=4", "--interval=2", "--short_side=32", "--size=32"]


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """A file of weights of a narrow network would need its width: this one is of full width."""
    path = tmp_path_factory.mktemp("weights") / "c2d.pth"
    torch.manual_seed(1)
    torch.save(build_model("c2d_r50", 3).state_dict(), path)
    return path


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clips")
    for number in range(3):
        frames = np.full((12, 40, 48, 3), 50 + 60 * number, np.uint8)
        frames[:, :, :20] = 10
        write_video(folder / f"{number}.mp4", frames=frames)
    (folder / "broken.mp4").write_bytes(b"no video")
    return folder


def run(weights, *words):
    return cli.main(["features", str(weights), *map(str, words), "--backbone=c2d_r50", *CLIP])


def test_the_features_are_those_of_the_network(weights, clips, tmp_path, capsys):
    code = run(weights, clips, "--output", tmp_path / "f", "--place=res3", "--average=1x2x2",
               "--views=2x3", "--mirrored=true")  # fmt: skip
    assert code == 1
    assert f"{clips}/broken.mp4: " in capsys.readouterr().err
    kept = FeatureFiles(tmp_path / "f")
    assert sorted(kept.rows) == [f"{clips}/{n}.mp4" for n in (0, 1, 2, "broken")]
    assert kept.rows[f"{clips}/broken.mp4"].reason
    found = kept[f"{clips}/1.mp4"]
    assert found.shape == (12, 512, 2, 2, 2)  # the network halves the time
    source = FeatureSource.load(
        str(weights), "res3.3", (1, 2, 2), views="2x3", clip={"num_frames": 4, "interval": 2},
        crop={"short_side": 32, "size": 32}, backbone="c2d_r50", device="cpu",
    )  # fmt: skip
    wanted = source.features(VideoRecord(f"{clips}/1.mp4", -1, "1"))
    np.testing.assert_allclose(found[:6], wanted.numpy(), rtol=2e-3, atol=1e-3)
    assert np.abs(found[0] - found[6]).max() > 0.01  # the mirror image of a clip with two sides
    assert kept.settings["place"] == "res3.3"
    assert kept.settings["clip"]["num_frames"] == 4


def test_a_segment_has_the_features_of_its_own_frames(weights, tmp_path):
    file = write_video(tmp_path / "long.mp4", num_frames=60)
    clip = {"num_frames": 4, "interval": 2}
    crop = {"short_side": 32, "size": 32}
    source = FeatureSource.load(
        str(weights), "res3", clip=clip, crop=crop, backbone="c2d_r50", device="cpu"
    )
    part = VideoRecord(str(file), 0, "part", segment=Segment(40, 52, "frames"))
    found = source.features(part)
    frames = open_video(file).get_frames(range(40, 52))
    torch.testing.assert_close(found, source.recognizer.features(frames, place="res3.3"))
    assert not torch.allclose(found, source.features(VideoRecord(str(file), 0, "all")))


def test_bfloat16_gives_nearly_the_same_and_is_never_mixed_with_it(
    weights, clips, tmp_path, capsys
):
    words = (clips / "0.mp4", "--place=res3")
    for precision in ("fp32", "bf16"):
        folder = tmp_path / precision
        assert run(weights, *words, "--output", folder, f"--precision={precision}") == 0
    exact, rough = (FeatureFiles(tmp_path / p)[f"{clips}/0.mp4"] for p in ("fp32", "bf16"))
    error = np.linalg.norm((exact - rough).astype(float)) / np.linalg.norm(exact.astype(float))
    assert 1e-4 < error < 0.03
    assert run(weights, *words, "--output", tmp_path / "fp32", "--precision=bf16") == 1
    assert "precision fp32, now bf16" in capsys.readouterr().err


def test_a_stopped_run_goes_on_and_computes_no_video_twice(
    weights, clips, tmp_path, monkeypatch, capsys
):
    seen = []
    compute = FeatureSource.features

    def stopping(self, record):
        seen.append(record.path)
        if len(seen) == 2:
            signal.raise_signal(signal.SIGINT)
        return compute(self, record)

    monkeypatch.setattr(FeatureSource, "features", stopping)
    words = (clips, "--output", tmp_path / "f")
    assert run(weights, *words) == 130
    assert len(FeatureFiles(tmp_path / "f")) == 1
    assert run(weights, *words) == 1
    assert seen[1] == seen[2]
    assert sorted({*seen}) == sorted([seen[0], *seen[2:]])
    assert len(seen) == 5
    assert run(weights, *words) == 1
    assert len(seen) == 5
    assert run(weights, *words, "--retry=true") == 1
    assert seen[5:] == [f"{clips}/broken.mp4"]
    capsys.readouterr()


def test_a_data_set_has_the_names_of_its_lists(weights, tmp_path):
    root = write_ucf101(tmp_path / "ucf", num_frames=10)
    assert run(weights, root, "--format=ucf101", "--output", tmp_path / "f") == 0
    names = {f"{c}/v_{c}_g0{g}_c01.mp4" for c in ("Jump", "Run") for g in (1, 2, 3)}
    kept = FeatureFiles(tmp_path / "f")
    assert set(kept.rows) == names
    assert kept["Jump/v_Jump_g01_c01.mp4"].shape == (1, 2048)


def test_other_weights_or_clips_need_another_folder(weights, clips, tmp_path, capsys):
    words = (clips / "0.mp4", "--output", tmp_path / "f")
    assert run(weights, *words) == 0
    assert run(weights, *words, "--views=2x1") == 1
    assert "num_clips 1, now 2" in capsys.readouterr().err
    other = tmp_path / "other.pth"
    network = build_model("c2d_r50", 3)
    torch.save(network.state_dict(), other)
    assert run(other, *words) == 1
    assert "weights_sha256" in capsys.readouterr().err
    about = json.loads((tmp_path / "f/features.json").read_text())
    assert about["origin"]["architecture"]["backbone"] == "c2d_r50"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--average=2x2"], "T x H x W"),
        (["--place=res9"], "no place 'res9'"),
        (["other", "--format=ucf101"], "name one folder"),
    ],
)
def test_what_is_not_as_it_should_be_is_told(weights, clips, tmp_path, capsys, words, message):
    assert run(weights, clips, *words, "--output", tmp_path / "f") > 0
    assert message in capsys.readouterr().err
