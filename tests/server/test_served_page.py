"""The page in a real browser and over its API: answers, bad files, a full queue, and no leak."""

import json
import socket
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from snl_video.server.limits import Limits
from snl_video.server.web_page import launch
from tests.evaluation.test_browser import browser  # noqa: F401
from tests.server.pages import CLASSES, PLACE, recognizer
from tests.videos import write_video

gradio_client = pytest.importorskip("gradio_client", reason="gradio is not installed")
pytestmark = pytest.mark.slow
PORT = 7899


@pytest.fixture(scope="module")
def url():
    page = launch(recognizer(), Limits(max_seconds=20, queue=5), port=PORT, block=False)
    yield f"http://127.0.0.1:{PORT}"
    page.close()


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    folder = tmp_path_factory.mktemp("videos")
    return write_video(folder / "a.mp4", num_frames=60, size=(80, 120))


def recognise(url, file):
    client = gradio_client.Client(url, verbose=False, httpx_kwargs={"timeout": 200})
    return client.predict(gradio_client.handle_file(str(file)), api_name="/recognise")


@pytest.mark.parametrize("width", [1280, 390])
def test_a_video_is_recognised_and_a_point_attends(browser, url, video, width):  # noqa: F811
    view = browser.new_page(viewport={"width": width, "height": 900})
    requests, errors = [], []
    view.on("request", lambda request: requests.append(request.url))
    view.on("pageerror", lambda error: errors.append(str(error)))
    view.goto(url)
    view.locator("input[type=file]").first.set_input_files(str(video))
    view.locator("#video video").wait_for()
    view.get_by_role("button", name="Recognise").click()
    view.locator("#timeline img").wait_for(timeout=60_000)
    text = view.inner_text("body")
    assert all(name in text for name in CLASSES)
    view.get_by_label("block").click()
    view.get_by_role("option", name=PLACE).click()
    sheet = view.locator("#sheet img")
    box = sheet.bounding_box()
    sheet.click(position={"x": 0.3 * box["width"], "y": 0.3 * box["height"]})
    view.locator("#affinity img").wait_for(timeout=60_000)
    assert "of the weight lies in other moments" in view.inner_text("body")
    assert view.evaluate("document.documentElement.scrollWidth") <= width
    assert all(request.startswith((url, "data:", "blob:")) for request in requests)
    assert errors == []
    view.close()


def test_a_bad_file_is_told_in_a_sentence(browser, url, tmp_path):  # noqa: F811
    bad = tmp_path / "bad.mp4"
    bad.write_text("no video at all " * 100)
    view = browser.new_page()
    view.goto(url)
    view.locator("input[type=file]").first.set_input_files(str(bad))
    view.locator("#video video").wait_for(state="attached")
    view.get_by_role("button", name="Recognise").click()
    toast = view.get_by_text("bad.mp4: no video stream can be decoded").first
    toast.wait_for(timeout=30_000)
    assert "/tmp" not in toast.inner_text()
    view.close()


def test_the_api_answers_and_names_what_it_refuses(url, video, tmp_path):
    found = recognise(url, video)
    assert {row["class"] for row in found["top"]} == set(CLASSES)
    assert found["segments"][-1]["end"] == pytest.approx(60 / 25)
    long = write_video(tmp_path / "long.mp4", num_frames=250, fps=10)
    with pytest.raises(gradio_client.exceptions.AppError, match=r"long\.mp4: 25 s long"):
        recognise(url, long)


def test_no_url_and_no_file_of_the_disk_is_read(url, video):
    asked = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(1)
        outside = f"http://127.0.0.1:{listener.getsockname()[1]}/a.mp4"
        for path in (outside, "https://example.com/a.mp4", str(video), "/etc/passwd"):
            data = {"data": [{"path": path, "meta": {"_type": "gradio.FileData"}}]}
            call = f"{url}/gradio_api/call/recognise"
            asked.append(json.loads(post(call, json.dumps(data).encode()))["event_id"])
            with urllib.request.urlopen(f"{call}/{asked[-1]}", timeout=60) as answer:
                said = answer.read().decode().split()
            assert said[:2] == ["event:", "error"]
            assert json.loads("".join(said[3:])) in (None, {"error": None})
        with pytest.raises(TimeoutError):
            listener.accept()


def post(url, body, kind="application/json"):
    request = urllib.request.Request(url, body, {"Content-Type": kind})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return answer.read()


def test_of_fifty_uploads_each_is_answered_or_refused(url, tmp_path):
    files = [
        write_video(tmp_path / f"{i}.mp4", num_frames=20 + i, size=(64, 64)) for i in range(50)
    ]
    answers = [None] * 50

    def ask(i):
        try:
            answers[i] = recognise(url, files[i])["segments"][-1]["end"]
        except Exception as error:
            answers[i] = str(error)

    threads = [threading.Thread(target=ask, args=(i,)) for i in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(240)
    good = [i for i, answer in enumerate(answers) if isinstance(answer, float)]
    assert all(answers[i] == pytest.approx((20 + i) / 25) for i in good)
    refused = [answer for answer in answers if not isinstance(answer, float)]
    assert len(good) >= 6
    assert refused
    assert all("queue is full" in str(answer).lower() for answer in refused), refused
    assert recognise(url, files[0])["top"]


def test_uploads_are_deleted_and_large_ones_refused(video):
    limits = Limits(keep_minutes=0.05, max_megabytes=1)
    page = launch(recognizer(), limits, port=PORT + 1, block=False)
    folder = Path(page.uploads.name)
    url = f"http://127.0.0.1:{PORT + 1}"
    try:
        recognise(url, video)
        body = b'--x\r\nContent-Disposition: form-data; name="files"; filename="large.mp4"\r\n\r\n'
        body += bytes(2 * 2**20) + b"\r\n--x--\r\n"
        with pytest.raises(urllib.error.HTTPError, match="413"):
            post(f"{url}/gradio_api/upload", body, "multipart/form-data; boundary=x")
        end = time.monotonic() + 30
        while list(folder.rglob("*.mp4")) and time.monotonic() < end:
            time.sleep(0.5)
        assert list(folder.rglob("*.mp4")) == []
    finally:
        page.close()
    page.uploads.cleanup()
    assert not folder.exists()
