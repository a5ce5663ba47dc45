"""Live video: late frames are dropped and counted, and a source that fails is named in time."""

import json
import threading
import time
from itertools import pairwise

import pytest
import torch

from snl_video.cli import main
from snl_video.data.clips import ClipSettings
from snl_video.data.decoding import open_video
from snl_video.data.decoding.streams import rgb
from snl_video.errors import InputError, VideoError
from snl_video.evaluation.views import ViewSetting
from snl_video.inference import live_clock, live_stream
from snl_video.inference.live_answers import watch
from snl_video.inference.live_clock import StreamClock
from snl_video.inference.live_stream import LiveStream
from snl_video.inference.recognizer import Recognizer
from snl_video.inference.viewing import Viewing
from tests.inference.live_servers import http_server
from tests.videos import write_video

FPS = 25
CLIP = ClipSettings(4, 2)


class Sleeper(torch.nn.Module):
    """A stand-in for a network that takes its time; its first logit is the mean of the clip."""

    def __init__(self, seconds=0.0):
        super().__init__()
        self.seconds = seconds

    def normalise(self, clips):
        return clips.float() / 255

    def forward(self, clips):
        time.sleep(self.seconds)
        return torch.stack([clips.mean((1, 2, 3, 4)), torch.full((len(clips),), -9.0)], dim=1)


def sleeper(seconds=0.0):
    viewing = Viewing(CLIP, short_side=40, size=32, views=ViewSetting(1, 1))
    return Recognizer(Sleeper(seconds), ["some", "none"], viewing, device="cpu")


@pytest.fixture
def film(tmp_path):
    """Three seconds with a key frame every five frames."""
    return str(write_video(tmp_path / "film.mp4", num_frames=75, options={"g": "5"}))


@pytest.fixture(autouse=True)
def every_thread_ends():
    before = set(threading.enumerate())
    yield
    for thread in set(threading.enumerate()) - before:
        thread.join(5)
        assert not thread.is_alive(), thread.name


def answers(source, recognizer=None, timeout=10.0, **options):
    recognizer = recognizer or sleeper()
    with LiveStream(source, recognizer.viewing, timeout) as stream:
        return list(watch(recognizer, stream, **options))


def test_a_file_plays_at_its_own_speed(film):
    begin = time.monotonic()
    found = answers(film, stride=0.4)
    assert time.monotonic() - begin > 2.5
    assert 4 <= len(found) <= 8
    steps = [b.time - a.time for a, b in pairwise(found)]
    assert all(step >= 0.4 - 1e-6 for step in steps)
    assert all(answer.label == "some" and answer.score > 0.9 for answer in found)


def test_a_slow_network_drops_frames_and_does_not_lag(film):
    found = answers(film, sleeper(0.5), stride=0.04)
    assert 3 <= len(found) <= 8
    assert found[-1].time > 1.5, "it lags: the last answer is about the beginning"
    assert found[-1].latency < found[0].latency + 1
    dropped = [answer.dropped for answer in found]
    assert dropped == sorted(dropped)
    seen = len(found) * CLIP.span
    assert dropped[-1] + seen == pytest.approx(found[-1].time * FPS, abs=2)


def test_a_clip_is_the_newest_frames_of_the_stream(film):
    viewing = sleeper().viewing
    video = open_video(film)
    with LiveStream(film, viewing) as stream:
        for since in (0.0, 1.0):
            frames = stream.newest(since)
            numbers = [frame.number for frame in frames]
            assert numbers == list(range(numbers[0], numbers[0] + CLIP.span, CLIP.interval))
            assert frames[-1].seconds == pytest.approx(numbers[-1] / FPS)
            assert frames[-1].seconds >= since
            expected = viewing.transform(video.get_frames(numbers).permute(0, 3, 1, 2))
            assert torch.equal(torch.stack([f.crops for f in frames], dim=2), expected)


def test_slow_decoding_leaves_out_frames_up_to_a_key_frame(film, monkeypatch):
    def slow(*arguments):
        time.sleep(0.15)
        return rgb(*arguments)

    monkeypatch.setattr(live_stream, "rgb", slow)
    monkeypatch.setattr(live_clock, "MAX_LATE", 0.3)
    begin = time.monotonic()
    found = answers(film, stride=0.04)
    decoding_all = 75 / CLIP.interval * 0.15
    assert time.monotonic() - begin < decoding_all
    assert found[-1].time > 1.5
    assert found[-1].dropped > 0


def test_it_ends_when_it_is_told_to(film):
    assert 0 < answers(film, seconds=1.0)[-1].time < 2.5


def test_the_command_writes_lines(film, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("snl_video.commands.live.load_model", lambda *_, **__: sleeper())
    output = tmp_path / "out/live.jsonl"
    words = ["live", "m", film, "--stride", "0.5", "--max_seconds", "2", "--output", str(output)]
    assert main(words) == 0
    rows = [json.loads(line) for line in output.read_text().splitlines()]
    assert len(rows) == len(capsys.readouterr().out.splitlines()) > 1
    assert list(rows[0]) == ["time", "latency", "class", "score", "dropped"]
    assert main(words) == 2
    assert "exists; name another" in capsys.readouterr().err
    assert main(["live", "m", film, "--output", "a.csv"]) == 2
    assert ".jsonl" in capsys.readouterr().err


def test_a_recording_over_http_plays_at_its_own_speed(tmp_path):
    body = write_video(
        tmp_path / "a.mp4", num_frames=50, container_options={"movflags": "faststart"}
    )
    begin = time.monotonic()
    with http_server(body.read_bytes()) as url:
        found = answers(url, stride=0.5)
    assert time.monotonic() - begin > 1.5
    assert found


def test_a_stream_over_http_that_stops_is_named(tmp_path):
    body = write_video(tmp_path / "a.ts", num_frames=100).read_bytes()
    with http_server(body, silent=True, length=10**9) as url:
        begin = time.monotonic()
        with pytest.raises(VideoError, match=r"127\.0\.0\.1.*no frame came in time for 1\.5 s"):
            answers(url, timeout=1.5)
        assert time.monotonic() - begin < 20


def test_a_server_that_sends_nothing_is_named():
    with (
        http_server(b"", silent=True, length=10**9) as url,
        pytest.raises(VideoError, match="no frame came in time for 1 s"),
    ):
        answers(url, timeout=1.0)


def test_a_stream_that_breaks_off_is_named(tmp_path):
    whole = write_video(
        tmp_path / "a.mp4", num_frames=75, container_options={"movflags": "faststart"}
    ).read_bytes()
    with (
        http_server(whole[: len(whole) // 2]) as url,
        pytest.raises(VideoError, match=r"127\.0\.0\.1.*broke off after \d"),
    ):
        answers(url, timeout=3.0)


@pytest.mark.parametrize("content", [None, b"", b"no video at all " * 9000])
def test_files_that_are_none_are_named(tmp_path, content):
    file = tmp_path / "bad.mp4"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(VideoError, match=r"bad\.mp4"):
        answers(str(file))


def test_endless_text_over_http_is_named():
    with (
        http_server(b"no video at all " * 10**6, length=10**12, silent=True) as url,
        pytest.raises(VideoError, match=r"127\.0\.0\.1"),
    ):
        answers(url, timeout=2.0)


def test_a_video_shorter_than_a_clip_is_named(tmp_path):
    file = write_video(tmp_path / "short.mp4", num_frames=3)
    with pytest.raises(VideoError, match="ended after 3 frames; one clip spans 7"):
        answers(str(file))


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("99", "/dev/video99"),
        ("ftp://127.0.0.1/a.mp4", "not by ftp"),
        ("file:///etc/passwd", "not by file"),
        ("http://127.0.0.1:1/a.mp4", "127.0.0.1:1"),
    ],
)
def test_other_sources_are_named(source, message):
    with pytest.raises(InputError, match=message):
        answers(source, timeout=3.0)


def test_a_playlist_from_a_network_names_no_file(film):
    playlist = f"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:3,\nfile://{film}\n#EXT-X-ENDLIST\n"
    with http_server(playlist.encode()) as url, pytest.raises(VideoError):
        answers(url.replace(".ts", ".m3u8"), timeout=3.0)


def test_a_timeout_is_positive(film):
    with pytest.raises(InputError, match="timeout must be a positive"):
        LiveStream(film, sleeper().viewing, 0)


def test_the_clock_takes_the_fastest_frame_of_a_camera(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(live_clock.time, "monotonic", lambda: now[0])
    camera = StreamClock(25, paced=False, arrival=False)
    assert camera.show(7.0) == (0.0, 100.0)
    now[0] = 100.5  # a frame of 0.2 s of the stream that took 0.3 s longer
    assert camera.show(7.2)[1] == pytest.approx(100.2, abs=1e-2)
    now[0] = 100.6  # one that was faster than the first
    assert camera.show(7.8)[1] == pytest.approx(100.6)
    seconds, due = camera.show(3.0)  # its clock was set back
    assert (seconds, due) == (pytest.approx(0.84), pytest.approx(100.6))
