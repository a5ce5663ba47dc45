"""`snl-video generate`: the data sets that the package writes."""

import pytest

from snl_video.cli import main
from snl_video.data.formats import UCF101


def test_relations_with_their_leaks(tmp_path, capsys):
    root = tmp_path / "set"
    options = [f"--root={root}", "--task=counting", "--clips_per_class=6", "--size=96"]
    stamps = []
    for more in ([], ["--leaks=true"]):
        assert main(["generate", "relations", *options, *more]) == 0
        stamps.append({path: path.stat().st_mtime_ns for path in root.rglob("*")})
    assert stamps[0] == stamps[1]
    lines = capsys.readouterr().out.splitlines()
    assert "counting, 24 clips of 16 frames, 96x96, things in frames 0-3, 12-15" in lines[0]
    assert lines[1] == "classes: NoneEqual, OneEqual, TwoEqual, ThreeEqual"
    assert lines[2:4] == lines[:2]
    assert lines[4].startswith("4 pairs of test videos, 50.0% by chance")
    assert len(lines) == 10


def test_motion(tmp_path, capsys):
    options = ["--groups=3", "--clips_per_group=1", "--num_frames=4"]
    assert main(["generate", "motion", f"--root={tmp_path / 'set'}", *options]) == 0
    assert "30 clips of 4 frames, 80x64" in capsys.readouterr().out
    assert len(UCF101(tmp_path / "set").read("test").records) == 10


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "the following arguments are required: name"),
        (["motions"], "one of 'relations', 'motion'"),
        (["relations", "--task=guess"], "one of 'same_different', 'binding'"),
        (["relations", "--colour=3"], "no option --colour; did you mean --colours"),
    ],
)
def test_what_it_refuses(words, message, capsys):
    assert main(["generate", *words]) == 2
    assert message in capsys.readouterr().err


def test_settings_that_make_no_clip_are_one_sentence(tmp_path, capsys):
    options = [f"--root={tmp_path / 'set'}", "--task=recall", "--colours=5"]
    assert main(["generate", "relations", *options]) == 1
    assert capsys.readouterr().err == "error: recall takes 2 to 4 colours, got 5\n"
    assert not (tmp_path / "set").exists()
