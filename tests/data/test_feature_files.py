"""Features in a folder: kept at once, joined into shards, and never of two settings."""

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from snl_video.data import feature_files
from snl_video.data.feature_files import FeatureFiles
from snl_video.errors import InputError

SETTINGS = {"weights_sha256": "abc", "place": "res4.0", "clip": {"num_frames": 8}}


def begin(folder, settings=SETTINGS):
    return FeatureFiles.begin(folder, settings, {"source": "weights.ckpt"})


def features_of(number):
    return np.full((2, 3), number, np.float32)


def shards(folder):
    return sorted(path.name for path in folder.glob("shard-*"))


@pytest.fixture
def small_shards(monkeypatch):
    monkeypatch.setattr(feature_files, "VIDEOS_OF_A_SHARD", 4)


def test_features_come_back_by_name_in_three_lines(tmp_path, small_shards):
    kept = begin(tmp_path)
    names = [f"a/{i} é.mp4" for i in range(10)]
    for number, name in enumerate(names):
        kept.add(name, features_of(number))
    files = sorted(Path(tmp_path).glob("shard-*.safetensors"))
    found = {name: x for file in files for name, x in load_file(file).items()}
    array = np.stack([found[name] for name in names])
    np.testing.assert_array_equal(array, np.stack([features_of(i) for i in range(10)]))
    assert array.dtype == np.float16
    assert len(files) == 4  # two of four videos, two of one
    again = FeatureFiles(tmp_path)
    assert list(again.rows) == names
    np.testing.assert_array_equal(again[names[9]], features_of(9))


def test_an_object_that_is_thrown_away_after_any_video_has_lost_none(tmp_path, small_shards):
    for number in range(9):
        kept = begin(tmp_path)
        assert list(kept.rows) == [str(i) for i in range(number)]
        kept.add(str(number), features_of(number))
    assert all(begin(tmp_path)[str(i)][0, 0] == i for i in range(9))


@pytest.mark.parametrize("step", ["write", "unlink"])
def test_a_kill_while_shards_are_joined_loses_and_doubles_nothing(
    tmp_path, small_shards, monkeypatch, step
):
    kept = begin(tmp_path)
    for number in range(3):
        kept.add(str(number), features_of(number))

    unlink = Path.unlink

    def killed(*_):
        raise KeyboardInterrupt

    def killed_at_a_shard(path, missing_ok=False):
        if path.name.startswith("shard-"):
            raise KeyboardInterrupt
        unlink(path, missing_ok)

    with monkeypatch.context() as patched:
        if step == "write":
            patched.setattr(FeatureFiles, "_join", killed)
        else:
            patched.setattr(Path, "unlink", killed_at_a_shard)
        with pytest.raises(KeyboardInterrupt):
            kept.add("3", features_of(3))
    again = begin(tmp_path)
    assert list(again.rows) == ["0", "1", "2", "3"]
    for number in range(4, 8):
        again.add(str(number), features_of(number))
    names = [name for file in tmp_path.glob("shard-*") for name in load_file(file)]
    assert sorted(names) == [str(i) for i in range(8)]
    assert all(FeatureFiles(tmp_path)[str(i)][0, 0] == i for i in range(8))


def test_a_bad_video_is_a_row_with_its_reason_and_may_come_again(tmp_path):
    kept = begin(tmp_path)
    kept.add("good", features_of(1))
    kept.add("bad", None, "no frames")
    kept.write_index()
    assert "bad,shard-00000001-00000001.safetensors,no frames" in (
        (tmp_path / "videos.csv").read_text().splitlines()
    )
    again = begin(tmp_path)
    assert again.rows["bad"].reason == "no frames"
    with pytest.raises(KeyError):
        again["bad"]
    again.add("bad", features_of(2))
    assert FeatureFiles(tmp_path)["bad"][0, 0] == 2


def test_other_settings_need_another_folder(tmp_path):
    begin(tmp_path).add("a", features_of(1))
    other = {**SETTINGS, "clip": {"num_frames": 16}}
    with pytest.raises(InputError, match=r"clip.num_frames 8, now 16"):
        begin(tmp_path, other)
    begin(tmp_path / "other", other).add("b", features_of(2))
    (tmp_path / "other" / "shard-00000000-00000000.safetensors").rename(
        tmp_path / "shard-00000001-00000001.safetensors"
    )
    with pytest.raises(InputError, match="of other settings"):
        FeatureFiles(tmp_path)


def test_damage_is_told(tmp_path):
    begin(tmp_path).add("a", features_of(1))
    shard = tmp_path / shards(tmp_path)[0]
    shard.write_bytes(shard.read_bytes()[:20])
    with pytest.raises(InputError, match="is damaged"):
        FeatureFiles(tmp_path)
    (tmp_path / "features.json").write_text(json.dumps({"settings": {}}))
    with pytest.raises(InputError, match="snl-video features"):
        FeatureFiles(tmp_path)


def test_numbers_beyond_float16_are_refused(tmp_path):
    kept = begin(tmp_path)
    with pytest.raises(InputError, match="not finite in float16"):
        kept.add("a", np.full((1, 2), 1e6, np.float32))
    assert not kept.rows
