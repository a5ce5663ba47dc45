from pathlib import Path

import pytest

from snl_video.data.formats import HMDB51, UCF101, Kinetics, ListSettings
from snl_video.errors import AnnotationError
from tests.data.files import touch, write
from tests.data.real import REAL, needs_real

SKIP, WRONG = ListSettings(missing="skip"), ListSettings(missing="wrong")


def ucf101(root: Path, newline: str = "\n", class_lines: str = "1 Run\n2 Jump\n") -> Path:
    lists = root / "ucfTrainTestlist"
    write(lists / "classInd.txt", class_lines, newline)
    write(
        lists / "trainlist01.txt", "Run/v_Run_g02_c01.avi 1\nJump/v_Jump_g02_c01.avi 2\n", newline
    )
    write(lists / "testlist01.txt", "Jump/v_Jump_g01_c01.avi\n", newline)
    return root


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("class_lines", ["1 Run\n2 Jump\n", "Run\nJump\n"])
@pytest.mark.parametrize("folder", ["videos/", "UCF-101/", ""])
@pytest.mark.parametrize("suffix", ["avi", "mp4"])
def test_ucf101_layouts(tmp_path, newline, class_lines, folder, suffix):
    root = ucf101(tmp_path, newline, class_lines)
    for name in ("Run/v_Run_g02_c01", "Jump/v_Jump_g02_c01", "Jump/v_Jump_g01_c01"):
        touch(root, f"{folder}{name}.{suffix}")
    train, test = (UCF101(root).read(subset) for subset in ("train", "test"))
    assert train.classes == test.classes == ["Run", "Jump"]
    assert [(r.id, r.label) for r in train.records] == [
        ("Run/v_Run_g02_c01.avi", 0),
        ("Jump/v_Jump_g02_c01.avi", 1),
    ]
    assert test.records[0].label == 1
    assert all(Path(r.path).is_file() for r in [*train.records, *test.records])
    assert train.sha256() != test.sha256()


def test_ucf101_lists_elsewhere(tmp_path):
    ucf101(tmp_path / "lists")
    touch(tmp_path / "videos", "Jump/v_Jump_g01_c01.avi")
    lists = ListSettings(folder=str(tmp_path / "lists" / "ucfTrainTestlist"))
    assert len(UCF101(tmp_path / "videos", lists=lists).read("test")) == 1


def test_exact_name_wins_over_stem(tmp_path):
    root = touch(ucf101(tmp_path), "Jump/v_Jump_g01_c01.mp4", "Jump/v_Jump_g01_c01.avi")
    assert UCF101(root).read("test").records[0].path.endswith(".avi")


def test_absent_files_are_counted(tmp_path):
    root = touch(ucf101(tmp_path), "videos/Run/v_Run_g02_c01.avi")
    with pytest.raises(AnnotationError, match=r"1 of 2 .*Jump/v_Jump_g02.*missing=skip"):
        UCF101(root).read("train")
    with pytest.warns(UserWarning, match="1 of 2 listed videos are absent"):
        videos = UCF101(root, lists=SKIP).read("train")
    assert len(videos) == 1
    assert videos.missing == ["Jump/v_Jump_g02_c01.avi"]
    with pytest.raises(AnnotationError, match="1 of 1"):
        UCF101(root, lists=SKIP).read("test")


def test_absent_files_may_count_as_wrong(tmp_path):
    root = touch(ucf101(tmp_path), "videos/Run/v_Run_g02_c01.avi")
    with pytest.warns(UserWarning, match=r"1 of 2 .*absent.*counts them as wrong"):
        videos = UCF101(root, lists=WRONG).read("train")
    assert [(r.id, r.label, bool(r.path)) for r in videos.records] == [
        ("Run/v_Run_g02_c01.avi", 0, True),
        ("Jump/v_Jump_g02_c01.avi", 1, False),
    ]
    assert videos.missing == []
    assert videos.present().missing == ["Jump/v_Jump_g02_c01.avi"]
    assert [r.id for r in videos.present().records] == ["Run/v_Run_g02_c01.avi"]
    with pytest.raises(AnnotationError, match="1 of 1"):
        UCF101(root, lists=WRONG).read("test")


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"classInd.txt": ""}, "names no class"),
        ({"classInd.txt": "1 Run\n2 Run\n"}, "twice: Run"),
        ({"classInd.txt": "1 Run\n3 Jump\n"}, "expected number 2"),
        ({"classInd.txt": "1 Run\n"}, "unknown class 'Jump'"),
        ({"classInd.txt": "1 Jump\n2 Run\n"}, "different versions"),
        ({"trainlist01.txt": "\n"}, "lists no video"),
    ],
)
def test_ucf101_bad_lists(tmp_path, change, match):
    root = ucf101(tmp_path)
    for name, text in change.items():
        write(root / "ucfTrainTestlist" / name, text)
    with pytest.raises(AnnotationError, match=match):
        UCF101(root).read("train")


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ({"root": "nowhere"}, r"nowhere does not exist; set data\.root"),
        ({"split": 4}, "1, 2 or 3, got 4"),
        ({"split": 2}, r"trainlist02\.txt does not exist"),
        ({"lists": ListSettings(folder="lists")}, "lists does not exist"),
    ],
)
def test_ucf101_bad_arguments(tmp_path, monkeypatch, arguments, match):
    monkeypatch.chdir(tmp_path)
    ucf101(tmp_path / "ucf101")
    with pytest.raises(AnnotationError, match=match):
        UCF101(**{"root": "ucf101", **arguments}).read("train")


def test_root_that_is_a_file(tmp_path):
    touch(tmp_path, "a")
    with pytest.raises(AnnotationError, match="not a folder"):
        assert UCF101(tmp_path / "a").classes


HEADER = "label,youtube_id,time_start,time_end,split,is_cc\n"


def kinetics(root: Path, extra: str = "") -> Path:
    rows = '"play a drum",abc-_1,3,13,val,0\nyoga,defg,100,110,val,1\n'
    write(root / "annotations" / "val.csv", HEADER + rows + extra)
    return root


@pytest.mark.parametrize("folder", ["val", "videos/val", "videos", "."])
@pytest.mark.parametrize("parent", ["play a drum/", "play_a_drum/", ""])
@pytest.mark.parametrize("stem", ["abc-_1", "abc-_1_000003_000013"])
@pytest.mark.parametrize("suffix", ["mp4", "webm"])
def test_kinetics_layouts(tmp_path, folder, parent, stem, suffix):
    root = touch(kinetics(tmp_path), f"{folder}/{parent}{stem}.{suffix}")
    with pytest.warns(UserWarning, match="1 of 2"):
        videos = Kinetics(root, lists=SKIP).read("val")
    assert videos.classes == ["play a drum", "yoga"]
    assert [(r.id, r.label) for r in videos.records] == [("play a drum/abc-_1_000003_000013", 0)]
    assert Path(videos.records[0].path).is_file()
    assert videos.missing == ["yoga/defg_000100_000110"]


def test_kinetics_class_order(tmp_path):
    root = kinetics(tmp_path)
    assert Kinetics(root).classes == ["play a drum", "yoga"]
    write(root / "annotations" / "train.csv", HEADER + "abseiling,x,0,10,train,0\n")
    assert Kinetics(root).classes == ["abseiling"]
    write(root / "annotations" / "label_map.txt", "yoga\nplay a drum\n")
    assert Kinetics(root).classes == ["yoga", "play a drum"]


def test_kinetics_errors(tmp_path):
    root = kinetics(tmp_path, "diving,xyz,0,10,val,0\n")
    write(root / "annotations" / "label_map.txt", "yoga\nplay a drum\n")
    with pytest.raises(AnnotationError, match=r"unknown class 'diving'; the 2 known .*yoga"):
        Kinetics(root).read("val")
    with pytest.raises(AnnotationError, match=r"train\.csv does not exist"):
        Kinetics(root).read("train")
    write(root / "annotations" / "val.csv", "a,b\n1,2\n")
    with pytest.raises(AnnotationError, match="no column label, youtube_id"):
        Kinetics(root).read("val")


def hmdb51(root: Path) -> Path:
    folder = root / "testTrainMulti_7030_splits"
    write(folder / "run_test_split1.txt", "a#1.avi 1 \nb (x).avi 2 \nc.avi 0 \n")
    write(folder / "brush_hair_test_split1.txt", "d.avi 1 \n", "\r\n")
    return root


@pytest.mark.parametrize("folder", ["videos/", ""])
def test_hmdb51_layouts(tmp_path, folder):
    root = touch(hmdb51(tmp_path), *(f"{folder}run/{n}.avi" for n in ("a#1", "b (x)", "c")))
    touch(root, f"{folder}brush_hair/d.avi")
    assert HMDB51(root).classes == ["brush_hair", "run"]
    train, test = (HMDB51(root).read(subset) for subset in ("train", "test"))
    assert [(r.id, r.label) for r in train.records] == [("brush_hair/d.avi", 0), ("run/a#1.avi", 1)]
    assert [r.id for r in test.records] == ["run/b (x).avi"]


def test_hmdb51_errors(tmp_path):
    with pytest.raises(AnnotationError, match="unpack the official split files"):
        assert HMDB51(tmp_path).classes
    root = hmdb51(tmp_path)
    with pytest.raises(AnnotationError, match=r"_test_split2\.txt is absent"):
        HMDB51(root, 2).read("train")
    with pytest.raises(AnnotationError, match="2 of 2"):
        HMDB51(root).read("train")
    write(root / "testTrainMulti_7030_splits" / "run_test_split1.txt", "a.avi 7\n")
    with pytest.raises(AnnotationError, match="does not end in 0, 1 or 2"):
        HMDB51(root).read("train")


@needs_real
@pytest.mark.parametrize(("split", "train", "test"), [(1, 353, 174), (2, 352, 175), (3, 349, 178)])
def test_real_ucf101(split, train, test):
    root = REAL / "ucf101_10"
    assert len(UCF101(root, split).read("train")) == train
    assert len(UCF101(root, split).read("test")) == test


@needs_real
def test_real_partial_sets():
    with pytest.warns(UserWarning, match="19902 of 19906"):
        videos = Kinetics(REAL / "kinetics400", lists=SKIP).read("val")
    assert (len(videos), len(videos.classes)) == (4, 400)
    assert {videos.classes[r.label] for r in videos.records} == {"using segway", "yoga"}
    found = 0
    for subset in ("train", "test"):
        with pytest.warns(UserWarning, match="absent"):
            found += len(HMDB51(REAL / "hmdb51", lists=SKIP).read(subset))
    assert found == 2
