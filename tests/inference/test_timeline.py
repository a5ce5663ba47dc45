"""A timeline finds what happens when, and is the same as a prediction where one window is all."""

import csv
import json

import av
import numpy as np
import pytest
import torch
from PIL import Image

from snl_video.data.clips import ClipSettings
from snl_video.data.decoding import open_video
from snl_video.data.decoding.streams import ToRGB
from snl_video.errors import InputError, UsageError, VideoError
from snl_video.evaluation.views import ViewSetting
from snl_video.inference import recognizer as recognizers
from snl_video.inference.annotated_video import write_annotated
from snl_video.inference.timeline_files import write_timeline
from snl_video.inference.video_timeline import Segment, Timeline, Windows, clock
from snl_video.inference.viewing import Viewing
from tests.videos import read_numbers, write_video

FPS = 25


class Colours(torch.nn.Module):
    """A stand-in for a network: the logit of a class is 8 x the mean of its colour channel."""

    head = ""

    def normalise(self, clips):
        return clips.float() / 255

    def forward(self, clips):
        return 8 * clips.mean(dim=(2, 3, 4))


@pytest.fixture
def colours():
    viewing = Viewing(ClipSettings(4, 2), short_side=40, size=32, views=ViewSetting(1, 1))
    return recognizers.Recognizer(Colours(), ["red", "green", "blue"], viewing, device="cpu")


def film(path, *parts, audio=False):
    """A film of one colour after another: (channel, frames)."""
    frames = np.full((sum(count for _, count in parts), 48, 64, 3), 30, np.uint8)
    start = 0
    for channel, count in parts:
        frames[start : start + count, ..., channel] = 220
        start += count
    return write_video(path, frames=frames, fps=FPS, audio=audio)


def test_one_window_over_the_whole_file_is_a_prediction(recognizer, video):
    found = recognizer.timeline(video, window=100)
    assert found.seconds == [(0, 40 / FPS)]
    assert torch.allclose(found.scores[0], recognizer.scores(video), atol=1e-6)


@pytest.mark.parametrize(("window", "stride"), [(None, None), (0.6, 0.28), (0.4, 0.4)])
def test_windows_see_the_frames_that_a_plain_loop_sees(recognizer, video, window, stride):
    viewing = recognizer.viewing
    windows = Windows(video, viewing, window, stride)
    length = viewing.clip.span if window is None else round(window * FPS)
    step = length // 2 if stride is None else round(stride * FPS)
    starts = list(range(0, 40 - length + 1, step))
    starts += [40 - length] if starts[-1] != 40 - length else []
    opened = open_video(video)
    found = list(windows)
    assert len(found) == len(starts)
    for start, clips in zip(starts, found, strict=True):
        indices = viewing.clip.uniform(length, viewing.views.num_clips) + start
        for clip, frames in zip(clips, indices, strict=True):
            expected = viewing.transform(opened.get_frames(frames).permute(0, 3, 1, 2))
            assert torch.equal(clip, expected)
    assert windows.seconds == [(s / FPS, (s + length) / FPS) for s in starts]


def test_each_frame_is_decoded_once(recognizer, video, monkeypatch):
    calls, to_rgb = [], ToRGB.__call__
    monkeypatch.setattr(ToRGB, "__call__", lambda *a: calls.append(a[1].pts) or to_rgb(*a))
    recognizer.timeline(video, window=0.8, stride=0.04)
    assert len(calls) == len(set(calls)) == 40


def test_segments_lie_within_half_a_window_of_the_truth(colours, tmp_path):
    path = film(tmp_path / "film.mp4", (0, 60), (2, 45), (1, 70))
    found = colours.timeline(path, window=0.8)
    segments = found.segments()
    assert [s.label for s in segments] == ["red", "blue", "green"]
    truth = [0, 60 / FPS, 105 / FPS, 175 / FPS]
    ends = [segments[0].start, *(s.end for s in segments)]
    assert ends == pytest.approx(truth, abs=0.4)
    assert [ends[0], ends[-1]] == [0, truth[-1]]
    assert all(s.score > 0.7 for s in segments)
    assert found.segments(min_score=0.99) == []


def test_smoothing_is_a_mean_of_neighbours():
    scores = torch.rand(7, 3, generator=torch.Generator().manual_seed(0))
    timeline = Timeline("a", ["a", "b", "c"], [(i, i + 2) for i in range(7)], scores)
    expected = torch.stack([scores[max(i - 1, 0) : i + 2].mean(0) for i in range(7)])
    assert torch.allclose(timeline.smoothed(3), expected)
    assert torch.equal(timeline.smoothed(1), scores)
    assert timeline.edges() == [0, 1.5, 2.5, 3.5, 4.5, 5.5, 6.5, 8]
    for windows in (0, 2, -1):
        with pytest.raises(InputError, match="odd number"):
            timeline.smoothed(windows)


def test_files_hold_the_segments(colours, tmp_path):
    path = film(tmp_path / "film.mp4", (0, 50), (1, 50))
    found = colours.timeline(path, window=0.8)
    for suffix in ("csv", "json", "vtt", "png"):
        write_timeline(tmp_path / f"out/film.{suffix}", found)
    with (tmp_path / "out/film.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    segments = found.segments()
    assert [row["class"] for row in rows] == ["red", "green"]
    assert float(rows[0]["end"]) == pytest.approx(segments[0].end, abs=1e-3)
    values = json.loads((tmp_path / "out/film.json").read_text())
    assert len(values["windows"]) == len(found.seconds)
    assert values["segments"][1]["label"] == "green"
    cues = (tmp_path / "out/film.vtt").read_text().split("\n\n")
    assert cues[0] == "WEBVTT"
    assert cues[1].startswith(f"00:00:00.000 --> {clock(segments[0].end)}\nred ")
    with Image.open(tmp_path / "out/film.png") as picture:
        assert picture.width > 800
    with pytest.raises(UsageError, match=r"\.csv, \.json"):
        write_timeline(tmp_path / "film.txt", found)


def test_a_class_name_is_text_in_subtitles(tmp_path):
    timeline = Timeline("a", ["<i>a & b", "c"], [(0, 1)], torch.tensor([[0.9, 0.1]]))
    write_timeline(tmp_path / "a.vtt", timeline)
    assert "&lt;i&gt;a &amp; b 90 %" in (tmp_path / "a.vtt").read_text()


def test_the_clock_counts_hours():
    assert clock(3661.5) == "01:01:01.500"
    assert clock(59.9996) == "00:01:00.000"


def test_an_annotated_copy_keeps_frames_and_sound(tmp_path):
    path = write_video(tmp_path / "a.mp4", num_frames=30, size=(96, 128), audio=True)
    segments = [Segment(0, 0.6, "jump", 0.9)]
    write_annotated(path, segments, tmp_path / "b.mp4")
    frames = open_video(tmp_path / "b.mp4")
    assert frames.num_frames == 30
    shown = frames.get_frames(range(30))
    assert read_numbers(shown[:, :60]) == list(range(30))
    plain = open_video(path).get_frames(range(30))
    change = (shown.float() - plain.float()).abs()[:, 80:].amax(dim=(1, 2, 3))
    assert bool((change[:15] > 60).all())
    assert bool((change[15:] < 60).all())
    sizes = []
    for file in (path, tmp_path / "b.mp4"):
        with av.open(str(file)) as container:
            sizes.append([bytes(p) for p in container.demux(container.streams.audio[0]) if p.size])
    assert sizes[0] == sizes[1] != []
    with pytest.raises(InputError, match="the video itself"):
        write_annotated(path, segments, path)


@pytest.mark.parametrize("options", [{"window": 0}, {"stride": -1}, {"window": float("inf")}])
def test_bad_windows_are_refused(recognizer, video, options):
    with pytest.raises(InputError, match="positive number of seconds"):
        recognizer.timeline(video, **options)


def test_bad_files_are_named(recognizer, tmp_path):
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "text.mp4").write_text("no video at all")
    for name in ("absent.mp4", "empty.mp4", "text.mp4"):
        with pytest.raises(VideoError, match=name):
            recognizer.timeline(tmp_path / name)
