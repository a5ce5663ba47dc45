"""The command that packs videos into shards."""

import shutil

import pytest

from snl_video.cli import main
from snl_video.data.formats import Shards
from snl_video.data.manifest import read_table
from tests.data.files import write
from tests.data.sharded import contents, write_source
from tests.videos import write_ucf101


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    return write_source(tmp_path_factory.mktemp("source"))


def shard(*words):
    return main(["shard", *map(str, words), "--workers=1"])


def test_all_sets_of_a_data_set(tmp_path, capsys):
    root = write_ucf101(tmp_path / "ucf", per_class=3, num_frames=8)
    out = tmp_path / "out"
    assert shard("--format=ucf101", f"--root={root}", f"--out={out}", "--videos=3") == 0
    told = capsys.readouterr().out
    assert f"{out}/train: 4 videos, shards: 2" in told
    assert f"{out}/val: 2 videos, shards: 1" in told
    data = Shards(out)
    assert data.classes == ["Jump", "Run"]
    assert [len(data.read(subset)) for subset in ("train", "val", "test")] == [4, 2, 2]
    assert shard("--format=ucf101", f"--root={root}", f"--out={out}", "--videos=3") == 0


def test_a_list_and_what_is_left_out_of_it(source, tmp_path, capsys):
    out = tmp_path / "out"
    assert shard(source / "all.csv", f"--root={source}", f"--out={out}") == 1
    told = capsys.readouterr().out
    assert "no set val: format csv needs lists.val" in told
    assert "left out of train: 1\n  broken.mp4: no video stream" in told
    assert f"{out}/train: 6 videos, shards: 1" in told


def test_shards_are_checked_and_packed_again(source, tmp_path, capsys):
    out, again, index = tmp_path / "out", tmp_path / "again", tmp_path / "index.parquet"
    shard(source / "good.csv", f"--root={source}", f"--out={out}", "--videos=2")
    assert main(["check", "--format=shards", f"--root={out}", f"--index={index}"]) == 0
    assert "broken: 0" in capsys.readouterr().out
    rows = read_table(index)
    assert rows["path"][0].as_py().startswith("train/000000.tar#000000000.mp4@1536+")
    data = Shards(out)
    known = data.index(data.read("train"), str(index))
    assert len(known) == len(rows) == 6
    assert shard("--format=shards", f"--root={out}", f"--out={again}", "--videos=2") == 0
    assert contents(f"{again}/train") == contents(f"{out}/train")


def test_what_training_and_evaluation_share_is_refused(source, tmp_path, capsys):
    write(tmp_path / "val.csv", "a.mp4,jump\n")
    words = [source / "good.csv", f"--root={source}", f"--lists.val={tmp_path / 'val.csv'}"]
    assert shard(*words, f"--out={tmp_path / 'out'}") == 1
    assert "the same in train and val: 1 videos (a.mp4)" in capsys.readouterr().err
    with pytest.warns(UserWarning, match="the same in train and val"):
        assert shard(*words, "--lists.overlap=warn", f"--out={tmp_path / 'out'}") == 0


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["good.csv", "--format=ucf101"], 2, "give a list, or --format and --lists.train, not bo"),
        (["good.csv", "--lists.val=none.csv"], 1, "list none.csv does not exist"),
        (["good.csv", "--videos=0"], 1, "a shard needs room for a video"),
        (["none.csv"], 1, "list none.csv does not exist"),
    ],
)
def test_bad_words_are_named(source, tmp_path, monkeypatch, capsys, words, code, told):
    shutil.copytree(source, tmp_path / "here")
    monkeypatch.chdir(tmp_path / "here")
    assert shard(*words, f"--out={tmp_path / 'out'}") == code
    assert told in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
