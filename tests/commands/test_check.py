"""The command that looks at every video."""

import shutil

import pytest

from snl_video.commands.check import main
from snl_video.data.manifest import NAME, read_table
from snl_video.errors import InputError
from tests.data.files import write
from tests.data.frame_folders import write_frames
from tests.videos import write_ucf101, write_video

CLIP = ["--clip.num_frames=4", "--clip.interval=2", "--workers=2"]


@pytest.fixture
def root(tmp_path):
    """Eight videos of two classes, all different."""
    root = write_ucf101(tmp_path / "ucf", per_class=4, num_frames=12)
    for number, path in enumerate(sorted(root.rglob("*.mp4"))):
        write_video(path, 12 + number)
    return root


def check(root, *more):
    return main(["check", "--format=ucf101", f"--root={root}", *CLIP, *more])


def video(root, name):
    return root / "videos" / name.split("_")[1] / f"{name}.mp4"


def test_a_clean_set(root, capsys):
    assert check(root, "--strict=true", "--full=true") == 0
    out = capsys.readouterr().out
    for line in ("missing: 0", "broken: 0", "in training and elsewhere: 0", "duplicate: 0"):
        assert line in out
    assert "shorter than 7 frames: 0" in out
    assert f"index of 8 files: {root / NAME}" in out
    table = read_table(root / NAME)
    assert table["decoded"].to_pylist() == table["frames"].to_pylist()
    assert sorted(table["frames"].to_pylist()) == list(range(12, 20))


def test_everything_that_can_be_wrong(root, capsys):
    video(root, "v_Jump_g02_c01").unlink()
    video(root, "v_Jump_g03_c01").write_bytes(b"no video, here")
    shutil.copy(video(root, "v_Run_g01_c01"), video(root, "v_Run_g02_c01"))  # test and training
    shutil.copy(video(root, "v_Run_g03_c01"), video(root, "v_Jump_g04_c01"))
    write_video(video(root, "v_Run_g04_c01"), 5)
    assert check(root) == 0
    out = capsys.readouterr().out
    assert "missing: 1\n  Jump/v_Jump_g02_c01.mp4 (train)" in out
    assert "broken: 1\n  videos/Jump/v_Jump_g03_c01.mp4: no video stream" in out
    leak = "videos/Run/v_Run_g01_c01.mp4 = videos/Run/v_Run_g02_c01.mp4"
    assert f"in training and elsewhere: 1\n  {leak}" in out
    assert "duplicate: 2\n" in out
    assert "videos/Jump/v_Jump_g04_c01.mp4 = videos/Run/v_Run_g03_c01.mp4" in out
    assert "shorter than 7 frames: 1\n  videos/Run/v_Run_g04_c01.mp4: 5" in out
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in out.splitlines()]
    assert ["Jump", "2", "1"] in rows
    assert ["Run", "3", "1"] in rows


@pytest.mark.parametrize("fault", ["missing", "broken", "duplicate", "short"])
def test_strict_tells_by_the_exit_code(root, fault):
    path = video(root, "v_Jump_g02_c01")
    if fault == "missing":
        path.unlink()
    elif fault == "broken":
        path.write_bytes(path.read_bytes()[:500])
    elif fault == "duplicate":
        shutil.copy(video(root, "v_Jump_g03_c01"), path)
    else:
        write_video(path, 3)
    assert check(root) == 0
    assert check(root, "--strict=true") == 1


def test_equal_heads_are_no_duplicates(root, capsys):
    one, other = video(root, "v_Jump_g02_c01"), video(root, "v_Jump_g03_c01")
    data = one.read_bytes() + bytes(100_000)
    one.write_bytes(data + b"a")
    other.write_bytes(data + b"b")
    check(root)
    assert "duplicate: 0" in capsys.readouterr().out
    hashes = {row["path"]: row["head_hash"] for row in read_table(root / NAME).to_pylist()}
    assert len(set(hashes.values())) == 7


def test_a_video_in_two_lists(root, capsys):
    lists = root / "ucfTrainTestlist"
    with (lists / "testlist01.txt").open("a") as file:
        file.write("Run/v_Run_g03_c01.mp4\n")
    assert check(root, "--strict=true") == 1
    assert "in training and elsewhere: 1\n  videos/Run/v_Run_g03" in capsys.readouterr().out


def test_another_place_for_the_index(root, tmp_path, capsys):
    index = tmp_path / "out" / "index.csv"
    assert check(root, f"--index={index}") == 0
    assert len(read_table(index)) == 8
    assert not (root / NAME).exists()


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--root=/nowhere"], "/nowhere does not exist"),
        (["--index=a.txt"], "ends in .parquet or .csv"),
        (["--clip.num_frames=0"], "got 0"),
    ],
)
def test_bad_arguments_are_named(root, more, message):
    with pytest.raises(InputError, match=message):
        check(root, *more)


def test_segments_and_frames_of_a_list(tmp_path, capsys):
    """Two segments of one file in two lists are no duplicate; a gap in the frames is found."""
    write_video(tmp_path / "long.mp4", 60)
    write_frames(tmp_path / "whole", 20)
    broken = write_frames(tmp_path / "broken.zip", 20).with_suffix("")
    (write_frames(broken, 20) / "00007.jpg").unlink()
    header = "path,label,start_frame,end_frame\n"
    write(tmp_path / "train.csv", f"{header}long.mp4,a,0,30\nwhole,b,0,20\nbroken,a,0,9\n")
    write(tmp_path / "val.csv", f"{header}long.mp4,a,30,60\nbroken.zip,b,0,20\n")
    lists = [f"--lists.{name}={tmp_path / f'{name}.csv'}" for name in ("train", "val")]
    words = ["check", "--format=csv", f"--root={tmp_path}", *CLIP, *lists, "--full=true"]
    assert main(words) == 0
    out = capsys.readouterr().out
    assert "broken: 1\n  broken: frame 7 is absent, and 1 of 1 to 20 in all" in out
    for line in ("missing: 0", "in training and elsewhere: 0", "duplicate: 0"):
        assert line in out
    table = read_table(tmp_path / NAME)
    assert table["path"].to_pylist() == ["long.mp4", "whole", "broken", "broken.zip"]
    assert table["frames"].to_pylist() == [60, 20, None, 20]
