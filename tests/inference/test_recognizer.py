"""A recogniser answers as the evaluation does, whatever form the video has."""

import json
import math

import numpy as np
import pytest
import torch

from snl_video.data.datasets import EvalVideos
from snl_video.data.decoding import open_video
from snl_video.data.video_list import VideoList, VideoRecord
from snl_video.errors import InputError, VideoError
from snl_video.inference.recognizer import Recognizer
from tests.inference.conftest import CLASSES


def evaluated(recognizer, path):
    """Probabilities (K,) from the data set of an evaluation and a mean written out."""
    viewing = recognizer.viewing
    videos = VideoList([VideoRecord(str(path), -1, "a")], CLASSES)
    views = viewing.views
    clips = EvalVideos(videos, viewing.clip, viewing.transform, views.num_clips)[0]["clips"]
    assert len(clips) == views.num_clips * views.num_crops
    with torch.no_grad():
        logits = recognizer.network(recognizer.network.normalise(clips))
    return logits.softmax(1).mean(0)


def test_scores_are_those_of_an_evaluation(recognizer, video):
    expected = evaluated(recognizer, video)
    assert torch.allclose(recognizer.scores(video), expected, atol=1e-6)
    assert not torch.allclose(recognizer.with_views("1x1").scores(video), expected, atol=1e-6)


def test_frames_in_memory_score_as_their_file(recognizer, video):
    opened = open_video(video)
    frames = opened.get_frames(range(opened.num_frames))
    expected = recognizer.scores(video)
    for form in (frames, frames.numpy(), iter(frames.numpy())):
        assert torch.equal(recognizer.scores(form), expected)


def test_views_per_forward_change_nothing_but_rounding(recognizer, video):
    more = Recognizer(recognizer.network, CLASSES, recognizer.viewing, device="cpu")
    more.viewing = type(more.viewing)(**{**vars(more.viewing), "views_per_forward": 4})
    assert torch.allclose(more.scores(video), recognizer.scores(video), atol=1e-6)


def test_logits_are_averaged_where_the_run_did(recognizer, video):
    viewing = type(recognizer.viewing)(**{**vars(recognizer.viewing), "average": "logits"})
    other = Recognizer(recognizer.network, CLASSES, viewing, device="cpu")
    logits = torch.cat([other.logits(part) for part in viewing.batches(open_video(video))])
    assert torch.allclose(other.scores(video), logits.mean(0).softmax(0), atol=1e-6)


def test_a_prediction_prints_and_travels(recognizer, video):
    found = recognizer.predict(video, top=2)
    scores = recognizer.scores(video)
    assert found.label == CLASSES[int(scores.argmax())]
    assert found.score == pytest.approx(float(scores.max()))
    assert [name for name, _ in found.top] == [CLASSES[i] for i in scores.argsort(descending=True)][
        :2
    ]
    assert str(found).startswith(f"{video}: {found.label} 0.")
    assert json.loads(json.dumps(found.to_dict()))["top"][0]["class"] == found.label


def test_several_videos_and_one_that_cannot_be_read(recognizer, video, tmp_path):
    broken = tmp_path / "broken.mp4"
    broken.write_text("no video")
    found = recognizer.predict_all([video, broken])
    assert [p.label is None for p in found] == [False, True]
    assert math.isnan(found[1].score)
    assert "broken.mp4" in found[1].reason
    assert found.rows()[1]["reason"] == found[1].reason
    assert str(broken) in str(found)
    page = found._repr_html_()
    assert "<b>" not in page
    assert page.count("<tr>") == 3
    with pytest.raises(VideoError):
        recognizer.predict(broken)


def test_features_give_the_logits_through_the_last_layer(recognizer, video):
    features = recognizer.features(video)
    assert len(features) == 6
    head = recognizer.network.trunk.get_submodule(recognizer.network.head)
    parts = recognizer.viewing.batches(open_video(video))
    logits = torch.cat([recognizer.logits(part) for part in parts])
    assert torch.allclose(head(features), logits, atol=1e-5)


@pytest.mark.parametrize(
    "frames",
    [
        np.zeros((4, 8, 8, 3), np.float32),
        np.zeros((4, 3, 8, 8), np.uint8),
        np.zeros((0, 8, 8, 3), np.uint8),
        np.zeros((8, 8, 3), np.uint8),
    ],
)
def test_other_frames_are_refused(recognizer, frames):
    with pytest.raises(InputError, match=r"uint8 \(T, H, W, 3\)"):
        recognizer.scores(frames)


def test_scores_that_are_not_finite_are_refused(recognizer, video):
    broken = Recognizer(recognizer.network, CLASSES, recognizer.viewing, source="x", device="cpu")
    broken.logits = lambda clips: torch.full((len(clips), 3), torch.nan)
    with pytest.raises(InputError, match="not finite"):
        broken.scores(video)


def test_a_recogniser_says_what_it_is(recognizer):
    assert repr(recognizer) == (
        "Recognizer('test', 3 classes, clips of 4 frames x interval 3 at 32 pixels, 2x3 views, "
        "torch fp32, cpu)"
    )
