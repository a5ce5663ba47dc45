"""What the page says of a video, its limits and its doors, without Gradio."""

import asyncio
import sys

import numpy as np
import pytest
import torch

from snl_video.cli import main
from snl_video.errors import InputError, VideoError
from snl_video.inference.affinity_pictures import affinity_row, grid_position
from snl_video.inference.clip_graphs import graphs_of
from snl_video.server.doors import Doors, without_urls
from snl_video.server.limits import Limits, told
from snl_video.server.video_answers import affinity_picture, answer_video
from snl_video.server.web_page import build_page
from tests.server.pages import CLASSES, PLACE, recognizer
from tests.videos import write_video


@pytest.fixture(scope="module")
def network():
    return recognizer()


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    folder = tmp_path_factory.mktemp("secret_folder")
    return str(write_video(folder / "a.mp4", num_frames=60, size=(80, 120)))


@pytest.fixture(scope="module")
def answer(network, video):
    return answer_video(network, video, Limits())


def test_the_answer_is_that_of_predict_and_timeline(network, video, answer):
    assert answer.prediction == network.predict(video)
    timeline = network.timeline(video)
    assert answer.timeline.seconds == timeline.seconds
    assert torch.equal(answer.timeline.scores, timeline.scores)
    values = answer.to_dict()
    assert {row["class"] for row in values["top"]} == set(CLASSES)
    assert values["segments"][-1]["end"] == pytest.approx(60 / 25)
    assert answer.timeline_picture().width > 800


def test_progress_grows_to_the_end(network, video):
    seen = []
    answer_video(network, video, Limits(), lambda share, text: seen.append(share))
    assert seen == sorted(seen)
    assert seen[0] == 0
    assert seen[-1] == 1


def test_a_long_video_has_few_windows(network, tmp_path, monkeypatch):
    monkeypatch.setattr("snl_video.server.video_answers.MOST_WINDOWS", 3)
    path = write_video(tmp_path / "long.mp4", num_frames=200)
    assert len(answer_video(network, str(path), Limits()).timeline.seconds) <= 4


def test_the_sheet_shows_the_frames_of_the_clip(answer):
    sheet = answer.sheet()
    assert sheet.shape == (2 * 64, 4 * 64, 3)
    for number, (x, y) in enumerate([(0, 0), (64, 0), (128, 0), (192, 0), (0, 64), (64, 64)]):
        frame = answer.clip[0, :, number].permute(1, 2, 0).numpy()
        assert np.array_equal(sheet[y : y + 64, x : x + 64], frame)
        assert answer.position(x + 5, y + 9) == (number, 9, 5)
    with pytest.raises(InputError, match="a point of a frame"):
        answer.position(130, 70)


def test_a_point_shows_its_row_of_the_affinity(network, answer):
    picture, reading = affinity_picture(network, answer, PLACE, (4, 30, 40))
    other, _ = affinity_picture(network, answer, "res4.1", (4, 30, 40))
    assert picture.width > 500
    assert np.asarray(picture).shape != np.asarray(other).shape or not np.array_equal(
        np.asarray(picture), np.asarray(other)
    )
    seen = graphs_of(network.network, answer.clip)[PLACE]
    row = affinity_row(seen, grid_position((4, 30, 40), answer.clip, seen.grid))
    share = row.abs().sum((1, 2)) / row.abs().sum()
    here = 4 * len(share) // 6
    assert reading.startswith(f"{100 * (1 - float(share[here])):.0f} % of the weight")
    with pytest.raises(InputError, match=r"no block at 'res9'; there are res3\.1"):
        affinity_picture(network, answer, "res9", (0, 0, 0))


@pytest.mark.parametrize("content", [None, b"", b"no video " * 99, b"\x89PNG\r\n\x1a\n"])
def test_what_is_no_video_is_refused_without_its_folder(network, tmp_path, content):
    path = tmp_path / "bad.mp4"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(VideoError) as error:
        answer_video(network, str(path), Limits())
    assert told(error.value).startswith("bad.mp4: ")
    assert str(tmp_path) not in told(error.value)


def test_the_limits_hold(network, video, tmp_path):
    with pytest.raises(VideoError, match=r"2 s long; at most 1 s are taken"):
        answer_video(network, video, Limits(max_seconds=1))
    large = tmp_path / "large.mp4"
    large.write_bytes(bytes(2 * 2**20))
    with pytest.raises(VideoError, match="larger than 1 MB"):
        answer_video(network, str(large), Limits(max_megabytes=1))
    with pytest.raises(VideoError, match="took more than 1e-06 s"):
        answer_video(network, video, Limits(max_work=1e-6))
    with pytest.raises(InputError, match="queue must be positive"):
        Limits(queue=0)


@pytest.mark.parametrize(
    ("path", "open_"),
    [
        ("/", True),
        ("/config", True),
        ("/assets/index-abc.js", True),
        ("/gradio_api/queue/join", True),
        ("/gradio_api/call/recognise/1a2b", True),
        ("/gradio_api/file=/tmp/a/b.mp4", True),
        ("/gradio_api/file=http://example.com/a", False),
        ("/gradio_api/proxy=http://example.com/a", False),
        ("/gradio_api/deep_link", False),
        ("/gradio_api/process_recording", False),
        ("/gradio_api/vibe-edit", False),
        ("/monitoring", False),
    ],
)
def test_only_the_doors_that_the_page_needs_are_open(path, open_):
    passed, sent = [], []

    async def app(scope, receive, send):
        passed.append(scope["path"])
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def send(message):
        sent.append(message)

    asyncio.run(Doors(app)({"type": "http", "path": path}, None, send))
    assert passed == ([path] if open_ else [])
    assert sent[0]["status"] == (200 if open_ else 404)
    if open_:
        assert b"default-src 'self'" in dict(sent[0]["headers"])[b"content-security-policy"]


def test_the_server_fetches_no_url():
    async def move(path):
        return f"moved {path}"

    assert asyncio.run(without_urls(move)("/tmp/a.mp4")) == "moved /tmp/a.mp4"
    for url in ("https://example.com/a.mp4", "HTTP://127.0.0.1/a", "ftp://example.com/a"):
        with pytest.raises(ValueError, match="not fetched"):
            asyncio.run(without_urls(move)(url))


def test_without_gradio_one_sentence_says_so(network, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "gradio", None)
    with pytest.raises(InputError, match=r"pip install 'snl_video\[serve\]'"):
        build_page(network, Limits())
    monkeypatch.setattr("snl_video.commands.serve.load_model", lambda *_, **__: network)
    assert main(["serve", "m"]) == 1
    assert capsys.readouterr().err.startswith("error: the page needs Gradio")
