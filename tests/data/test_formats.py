import os
from pathlib import Path

import pytest

from snl_video.data.formats import (
    csv_classes,
    folder_classes,
    hmdb51_classes,
    kinetics_classes,
    read_class_file,
    read_csv,
    read_files,
    read_folder,
    read_hmdb51,
    read_kinetics,
    read_ucf101,
    ucf101_classes,
)
from snl_video.errors import AnnotationError
from tests.data.real import REAL, needs_real


def touch(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


def write(path: Path, text: str, newline: str = "\n") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.replace("\n", newline).encode())
    return path


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
    train, test = read_ucf101(root, 1, "train"), read_ucf101(root, 1, "test")
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
    where = tmp_path / "lists" / "ucfTrainTestlist"
    assert len(read_ucf101(tmp_path / "videos", 1, "test", where)) == 1


def test_exact_name_wins_over_stem(tmp_path):
    root = touch(ucf101(tmp_path), "Jump/v_Jump_g01_c01.mp4", "Jump/v_Jump_g01_c01.avi")
    assert read_ucf101(root, 1, "test").records[0].path.endswith(".avi")


def test_absent_files_are_counted(tmp_path):
    root = touch(ucf101(tmp_path), "videos/Run/v_Run_g02_c01.avi")
    with pytest.raises(AnnotationError, match=r"1 of 2 .*Jump/v_Jump_g02.*missing=skip"):
        read_ucf101(root)
    with pytest.warns(UserWarning, match="1 of 2 listed videos are absent"):
        videos = read_ucf101(root, missing="skip")
    assert len(videos) == 1
    assert videos.missing == ["Jump/v_Jump_g02_c01.avi"]
    with pytest.raises(AnnotationError, match="1 of 1"):
        read_ucf101(root, subset="test", missing="skip")
    with pytest.raises(AnnotationError, match="'ignore'"):
        read_ucf101(root, missing="ignore")


def test_absent_files_may_count_as_wrong(tmp_path):
    root = touch(ucf101(tmp_path), "videos/Run/v_Run_g02_c01.avi")
    with pytest.warns(UserWarning, match=r"1 of 2 .*absent.*counts them as wrong"):
        videos = read_ucf101(root, missing="wrong")
    assert [(r.id, r.label, bool(r.path)) for r in videos.records] == [
        ("Run/v_Run_g02_c01.avi", 0, True),
        ("Jump/v_Jump_g02_c01.avi", 1, False),
    ]
    assert videos.missing == []
    assert videos.present().missing == ["Jump/v_Jump_g02_c01.avi"]
    assert [r.id for r in videos.present().records] == ["Run/v_Run_g02_c01.avi"]
    with pytest.raises(AnnotationError, match="1 of 1"):
        read_ucf101(root, subset="test", missing="wrong")


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
        read_ucf101(root)


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ({"root": "nowhere"}, r"nowhere does not exist; set data\.root"),
        ({"split": 4}, "1, 2 or 3, got 4"),
        ({"split": 2}, r"trainlist02\.txt does not exist"),
        ({"subset": "dev"}, "'dev'; choose one of train, test"),
        ({"annotations": "lists"}, "lists does not exist"),
    ],
)
def test_ucf101_bad_arguments(tmp_path, monkeypatch, arguments, match):
    monkeypatch.chdir(tmp_path)
    ucf101(tmp_path / "ucf101")
    with pytest.raises(AnnotationError, match=match):
        read_ucf101(**{"root": "ucf101", **arguments})


def test_root_that_is_a_file(tmp_path):
    touch(tmp_path, "a")
    with pytest.raises(AnnotationError, match="not a folder"):
        ucf101_classes(tmp_path / "a")


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
        videos = read_kinetics(root, "val", missing="skip")
    assert videos.classes == ["play a drum", "yoga"]
    assert [(r.id, r.label) for r in videos.records] == [("play a drum/abc-_1_000003_000013", 0)]
    assert Path(videos.records[0].path).is_file()
    assert videos.missing == ["yoga/defg_000100_000110"]


def test_kinetics_class_order(tmp_path):
    root = kinetics(tmp_path)
    assert kinetics_classes(root) == ["play a drum", "yoga"]
    write(root / "annotations" / "train.csv", HEADER + "abseiling,x,0,10,train,0\n")
    assert kinetics_classes(root) == ["abseiling"]
    write(root / "annotations" / "label_map.txt", "yoga\nplay a drum\n")
    assert kinetics_classes(root) == ["yoga", "play a drum"]


def test_kinetics_errors(tmp_path):
    root = kinetics(tmp_path, "diving,xyz,0,10,val,0\n")
    write(root / "annotations" / "label_map.txt", "yoga\nplay a drum\n")
    with pytest.raises(AnnotationError, match=r"unknown class 'diving'; the 2 known .*yoga"):
        read_kinetics(root, "val")
    with pytest.raises(AnnotationError, match=r"train\.csv does not exist"):
        read_kinetics(root, "train")
    with pytest.raises(AnnotationError, match="'dev'"):
        read_kinetics(root, "dev")
    write(root / "annotations" / "val.csv", "a,b\n1,2\n")
    with pytest.raises(AnnotationError, match="no column label, youtube_id"):
        read_kinetics(root, "val")


def hmdb51(root: Path) -> Path:
    folder = root / "testTrainMulti_7030_splits"
    write(folder / "run_test_split1.txt", "a#1.avi 1 \nb (x).avi 2 \nc.avi 0 \n")
    write(folder / "brush_hair_test_split1.txt", "d.avi 1 \n", "\r\n")
    return root


@pytest.mark.parametrize("folder", ["videos/", ""])
def test_hmdb51_layouts(tmp_path, folder):
    root = touch(hmdb51(tmp_path), *(f"{folder}run/{n}.avi" for n in ("a#1", "b (x)", "c")))
    touch(root, f"{folder}brush_hair/d.avi")
    assert hmdb51_classes(root) == ["brush_hair", "run"]
    train, test = read_hmdb51(root, 1, "train"), read_hmdb51(root, 1, "test")
    assert [(r.id, r.label) for r in train.records] == [("brush_hair/d.avi", 0), ("run/a#1.avi", 1)]
    assert [r.id for r in test.records] == ["run/b (x).avi"]


def test_hmdb51_errors(tmp_path):
    with pytest.raises(AnnotationError, match="unpack the official split files"):
        hmdb51_classes(tmp_path)
    root = hmdb51(tmp_path)
    with pytest.raises(AnnotationError, match=r"_test_split2\.txt is absent"):
        read_hmdb51(root, 2)
    with pytest.raises(AnnotationError, match="2 of 2"):
        read_hmdb51(root)
    write(root / "testTrainMulti_7030_splits" / "run_test_split1.txt", "a.avi 7\n")
    with pytest.raises(AnnotationError, match="does not end in 0, 1 or 2"):
        read_hmdb51(root)


def test_folder_with_and_without_subsets(tmp_path):
    flat = touch(tmp_path / "flat", "b/2.mp4", "a/1.AVI", "a/deep/3.mkv", "a/notes.txt", "a/.x.mp4")
    assert folder_classes(flat) == ["a", "b"]
    videos = read_folder(flat, "test")
    assert [(r.id, r.label) for r in videos.records] == [
        ("a/1.AVI", 0),
        ("a/deep/3.mkv", 0),
        ("b/2.mp4", 1),
    ]
    split = touch(tmp_path / "split", "train/a/1.mp4", "train/b/2.mp4", "val/b/3.mp4")
    assert [r.label for r in read_folder(split, "val").records] == [1]
    assert read_folder(split, "test").records == read_folder(split, "val").records
    touch(split, "val/c/4.mp4")
    with pytest.raises(AnnotationError, match="unknown class 'c'"):
        read_folder(split, "val")


def test_hidden_folders_are_passed_over_and_links_followed_once(tmp_path):
    root = touch(tmp_path / "d", "a/1.mp4", "a/.cache/2.mp4", "b/3.mp4", "b/deep/4.mp4")
    touch(tmp_path / "elsewhere", "5.mp4")
    (root / "a/there").symlink_to(tmp_path / "elsewhere")
    (root / "a/again").symlink_to(root / "a")
    (root / "a/up").symlink_to(root)
    (root / "b/deep/back").symlink_to(root / "b")
    ids = [record.id for record in read_folder(root).records]
    assert ids == ["a/1.mp4", "a/there/5.mp4", "b/3.mp4", "b/deep/4.mp4"]
    assert [r.id for r in read_files([root / "a"], []).records] == ["1.mp4", "there/5.mp4"]


def test_a_folder_that_cannot_be_read_is_named(tmp_path, monkeypatch):
    root = touch(tmp_path, "a/locked/1.mp4", "a/2.mp4")
    scandir = os.scandir

    def refuse(path):  # the tests may run as root, who may read everything
        if str(path).endswith("locked"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(
        AnnotationError, match=r"a/locked cannot be read \(Permission denied\); check perm"
    ):
        read_folder(root)


def test_folder_errors(tmp_path):
    with pytest.raises(AnnotationError, match="does not exist"):
        read_folder(tmp_path / "nowhere")
    with pytest.raises(AnnotationError, match="names no class"):
        read_folder(tmp_path)
    (tmp_path / "a").mkdir()
    with pytest.raises(AnnotationError, match="lists no video"):
        read_folder(tmp_path)
    touch(tmp_path / "other", "val/a/1.mp4")
    with pytest.raises(AnnotationError, match="has no folder train"):
        read_folder(tmp_path / "other", "train")


@pytest.mark.parametrize("separator", [" ", ",", "\t", ";"])
@pytest.mark.parametrize("labels", [("0", "1"), ("run", "sit up")])
def test_csv_separators_and_labels(tmp_path, separator, labels):
    if separator == " " and " " in labels[1]:
        pytest.skip("a label may not hold the separator")
    touch(tmp_path, "v/a b.mp4", "v/c.mp4")
    text = f"a b.mp4{separator}{labels[0]}\nc.mp4{separator}{labels[1]}\n"
    file = write(tmp_path / "list.csv", text, "\r\n")
    videos = read_csv(file, tmp_path / "v")
    assert videos.classes == list(labels)
    assert [(r.id, r.label) for r in videos.records] == [("a b.mp4", 0), ("c.mp4", 1)]


def test_csv_class_list_header_and_absolute_paths(tmp_path):
    touch(tmp_path, "a.mp4")
    file = write(tmp_path / "list.csv", f"path,label\n{tmp_path / 'a.mp4'},run\n")
    assert read_csv(file, classes=["sit", "run"]).records[0].label == 1
    assert csv_classes(file) == ["run"]
    with pytest.raises(AnnotationError, match="unknown class 'run'"):
        read_csv(file, classes=["sit"])


def test_csv_errors(tmp_path):
    with pytest.raises(AnnotationError, match="does not exist"):
        read_csv(tmp_path / "nowhere.csv")
    for text, match in [
        ("", "lists no video"),
        ("a.mp4\n", "not a path and a label"),
        ("a.mp4 0\nb.mp4 3\n", "4|absent"),
    ]:
        with pytest.raises(AnnotationError, match=match):
            read_csv(write(tmp_path / "list.csv", text), tmp_path)
    with pytest.raises(AnnotationError, match=r"label 3 .* 2 classes"):
        read_csv(tmp_path / "list.csv", tmp_path, classes=["x", "y"])


def test_files_to_predict(tmp_path):
    touch(tmp_path, "d/b.mp4", "d/deep/a.mp4", "c.bin")
    videos = read_files([tmp_path / "c.bin", tmp_path / "d"], ["x"])
    assert [(r.id, r.label) for r in videos.records] == [
        ("c.bin", -1),
        ("b.mp4", -1),
        ("deep/a.mp4", -1),
    ]
    with pytest.raises(AnnotationError, match="does not exist"):
        read_files([tmp_path / "nowhere"], [])
    (tmp_path / "empty").mkdir()
    with pytest.raises(AnnotationError, match="no video in"):
        read_files([tmp_path / "empty"], [])


def test_class_file(tmp_path):
    assert read_class_file(write(tmp_path / "c.txt", "\ufeffa b\nc\n", "\r\n")) == ["a b", "c"]
    (tmp_path / "d.txt").write_bytes(b"\xff\xfe\xff")
    with pytest.raises(AnnotationError, match="UTF-8"):
        read_class_file(tmp_path / "d.txt")


@needs_real
@pytest.mark.parametrize(("split", "train", "test"), [(1, 353, 174), (2, 352, 175), (3, 349, 178)])
def test_real_ucf101(split, train, test):
    root = REAL / "ucf101_10"
    assert len(read_ucf101(root, split, "train")) == train
    assert len(read_ucf101(root, split, "test")) == test


@needs_real
def test_real_partial_sets():
    with pytest.warns(UserWarning, match="19902 of 19906"):
        videos = read_kinetics(REAL / "kinetics400", "val", missing="skip")
    assert (len(videos), len(videos.classes)) == (4, 400)
    assert {videos.classes[r.label] for r in videos.records} == {"using segway", "yoga"}
    found = 0
    for subset in ("train", "test"):
        with pytest.warns(UserWarning, match="absent"):
            found += len(read_hmdb51(REAL / "hmdb51", 1, subset, missing="skip"))
    assert found == 2
