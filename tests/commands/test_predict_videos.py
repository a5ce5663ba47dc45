"""`snl-video predict MODEL VIDEO ...` and `snl-video timeline MODEL VIDEO`, as typed by hand."""

import csv
import io
import json

import pyarrow.parquet as pq
import pytest

from snl_video.cli import main
from snl_video.commands import predict as command
from snl_video.errors import VideoError
from snl_video.inference import recognizer as recognizers
from tests.inference.conftest import CLASSES, recognizer  # noqa: F401
from tests.videos import write_video


@pytest.fixture
def folder(tmp_path, recognizer, monkeypatch):  # noqa: F811
    """Three videos, and a model that loads at once."""

    def load(model, **_):
        recognizer.source = model
        return recognizer

    monkeypatch.setattr(recognizers, "load_model", load)
    monkeypatch.setattr("snl_video.commands.timeline.load_model", load)
    monkeypatch.chdir(tmp_path)
    for name in ("a", "b", "c"):
        write_video(tmp_path / f"videos/{name}.mp4", num_frames=20)
    return tmp_path


def lines(capsys):
    return capsys.readouterr().out.splitlines()


@pytest.mark.parametrize("words", [["videos"], ["videos/*.mp4"], ["videos/a.mp4", "videos/?.mp4"]])
def test_folders_patterns_and_files(folder, capsys, words):
    assert main(["predict", "m", *words, "--top", "1"]) == 0
    found = sorted(set(lines(capsys)))
    assert [line.split(":")[0] for line in found] == [f"videos/{name}.mp4" for name in "abc"]
    assert all(any(name in line for name in CLASSES) for line in found)


def test_a_list_on_standard_input(folder, capsys, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("videos/b.mp4\n\nvideos/a.mp4\n"))
    assert main(["predict", "m", "-", "--views", "1x1"]) == 0
    assert [line[:12] for line in lines(capsys)] == ["videos/b.mp4", "videos/a.mp4"]


@pytest.mark.parametrize("suffix", ["json", "jsonl", "csv", "parquet"])
def test_every_suffix_holds_the_same(folder, suffix):
    assert main(["predict", "m", "videos", "--output", f"out/p.{suffix}"]) == 0
    file = folder / f"out/p.{suffix}"
    if suffix == "json":
        rows = json.loads(file.read_text())
    elif suffix == "jsonl":
        rows = [json.loads(line) for line in file.read_text().splitlines()]
    elif suffix == "csv":
        rows = list(csv.DictReader(file.open(newline="")))
    else:
        rows = pq.read_table(file).to_pylist()
    assert [row["path"] for row in rows] == [f"videos/{name}.mp4" for name in "abc"]
    best = [row["top"][0]["class"] if "top" in row else row["class"] for row in rows]
    assert set(best) <= set(CLASSES)
    assert not list(file.parent.glob("*.partial"))


def test_it_never_overwrites_unasked(folder, capsys):
    (folder / "p.csv").write_text("mine")
    assert main(["predict", "m", "videos", "--output", "p.csv"]) == 2
    assert "--overwrite" in capsys.readouterr().err
    assert (folder / "p.csv").read_text() == "mine"
    assert main(["predict", "m", "videos", "--output", "p.csv", "--overwrite", "true"]) == 0
    assert (folder / "p.csv").read_text() != "mine"


def test_a_stopped_run_goes_on(folder, recognizer, monkeypatch, capsys):  # noqa: F811
    words = ["predict", "m", "videos", "--output", "p.json"]
    assert main(words) == 0
    whole = (folder / "p.json").read_text()
    (folder / "p.json").unlink()
    plain = type(recognizer).scores

    def stop_at_c(self, video):
        if str(video).endswith("c.mp4"):
            raise KeyboardInterrupt
        return plain(self, video)

    with monkeypatch.context() as patched:
        patched.setattr(type(recognizer), "scores", stop_at_c)
        assert main(words) == 130
    assert not (folder / "p.json").exists()
    with (folder / "p.json.partial").open("a") as file:
        file.write('{"path": "videos/c.mp4", "to')
    capsys.readouterr()
    seen = []
    monkeypatch.setattr(
        type(recognizer), "scores", lambda self, video: seen.append(video) or plain(self, video)
    )
    assert main(words) == 0
    assert seen == ["videos/c.mp4"]
    assert (folder / "p.json").read_text() == whole


def test_what_was_begun_otherwise_is_not_gone_on_with(folder, capsys):
    (folder / "p.json.partial").write_text('{"model": "other", "top": 5, "views": "2x3"}\n')
    assert main(["predict", "m", "videos", "--output", "p.json"]) == 1
    assert '"other"' in capsys.readouterr().err


def test_an_unreadable_video_is_told_and_counts(folder, capsys):
    (folder / "videos/b.mp4").write_text("no video")
    assert main(["predict", "m", "videos", "--output", "p.csv"]) == 1
    captured = capsys.readouterr()
    assert "1 of 3 videos could not be read" in captured.err
    rows = list(csv.DictReader((folder / "p.csv").open(newline="")))
    assert [bool(row["reason"]) for row in rows] == [False, True, False]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["gone.mp4"], "gone.mp4 does not exist"),
        (["*.avi"], r"no file matches '*.avi'"),
        (["videos", "--output", "p.txt"], ".json, .jsonl, .csv, .parquet"),
        (["videos", "--views", "ten"], "10x3"),
        (["videos", "--top", "0"], "--top"),
        (["videos", "--tpo", "3"], "did you mean --top"),
    ],
)
def test_bad_words_are_told_in_a_sentence(folder, capsys, words, told):
    assert main(["predict", "m", *words]) in (1, 2)
    error = capsys.readouterr().err
    assert told in error
    assert len(error.splitlines()) < 10


def test_a_timeline_is_printed_and_written(folder, capsys):
    assert main(["timeline", "m", "videos/a.mp4", "--output", "[t.vtt,t.csv]"]) == 0
    found = lines(capsys)
    assert found[0].startswith("00:00:00.000 - 00:00:00")
    assert found[-2:] == ["t.vtt", "t.csv"]
    assert (folder / "t.vtt").read_text().startswith("WEBVTT")
    assert main(["timeline", "m", "videos/a.mp4", "--output", "[t.vtt]"]) == 2
    assert "--overwrite" in capsys.readouterr().err
    assert main(["timeline", "m", "videos/a.mp4", "--output", "[t.txt]"]) == 2
    assert main(["timeline", "m", "gone.mp4"]) == 1
    assert "gone.mp4" in capsys.readouterr().err


def test_options_alone_are_lightnings(monkeypatch):
    called = []
    monkeypatch.setattr(command.video_cli, "main", called.append)
    for words in (["predict", "--run_dir", "x"], ["predict"], ["predict", "--help"]):
        assert main(words) == 0
        assert called[-1] == words


def test_a_bug_in_a_video_is_not_taken_for_a_bad_file(folder, recognizer, monkeypatch, capsys):  # noqa: F811
    def bug(self, video):
        raise ZeroDivisionError

    monkeypatch.setattr(type(recognizer), "scores", bug)
    assert not issubclass(ZeroDivisionError, VideoError)
    assert main(["predict", "m", "videos"]) == 1
    assert "bug" in capsys.readouterr().err
