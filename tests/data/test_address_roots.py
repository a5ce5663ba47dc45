"""Data sets whose root is an address: read as from a folder, and looked at by `check`."""

import shutil
import warnings

import fsspec
import pytest

from snl_video.cli import main
from snl_video.data import VideoDataModule, addresses
from snl_video.data.addresses import below, join, names_in
from snl_video.data.formats import SUBSETS, ListSettings, open_data_set
from snl_video.data.manifest import NAME, read_table
from snl_video.errors import AnnotationError, StaleIndexError
from tests.data.files import touch, write
from tests.data.frame_folders import write_frames
from tests.data.test_charades import charades
from tests.data.test_formats import hmdb51, kinetics, ucf101
from tests.data.test_official_lists import diving48, jester, ssv2
from tests.videos import write_ucf101, write_video

LAYOUTS = {
    "ucf101": lambda root: touch(
        ucf101(root),
        *("videos/Run/v_Run_g02_c01.mp4", "videos/Jump/v_Jump_g02_c01.avi"),
        "videos/Jump/v_Jump_g01_c01.avi",
    ),
    "hmdb51": lambda root: touch(
        hmdb51(root), *(f"videos/{name}.avi" for name in ("run/a#1", "run/b (x)", "brush_hair/d"))
    ),
    "kinetics": lambda root: touch(kinetics(root), "val/yoga/defg_000100_000110.mp4"),
    "jester": lambda root: touch(
        jester(root), *(f"videos/{name}.mp4" for name in (34870, 56557, 129112, 9223, 107090))
    ),
    "ssv2": lambda root: touch(
        ssv2(root), *(f"videos/{name}.webm" for name in (78687, 42326, 74225))
    ),
    "diving48": lambda root: touch(diving48(root), "rgb/2x00lRzlTVQ_00000.mp4"),
    "charades": charades,
    "folder": lambda root: touch(
        root, "b/1.mp4", "b/2.mp4", "b/.x.mp4", "a/1.mkv", "a/deep/2.mp4", "a/notes.txt", ".c/1.mp4"
    ),
    "folder with sets": lambda root: touch(root, "train/a/1.mp4", "train/b/1.mp4", "test/a/2.mp4"),
}


@pytest.fixture(params=["memory", "zip"])
def moved(request, tmp_path):
    """A function that copies a folder to an address."""
    made = []

    def move(folder):
        if request.param == "zip":
            file = shutil.make_archive(str(tmp_path / "all"), "zip", folder)
            return f"zip://::{file}"
        root = f"memory://{tmp_path.name}"
        files, name = fsspec.url_to_fs(root)
        files.put(f"{folder}/", f"{name}/", recursive=True)
        made.append((files, name))
        return root

    yield move
    for files, name in made:
        files.rm(name, recursive=True)


def found(format, root):
    """Classes of a data set, and the records of its sets; None for a set without videos."""
    data = open_data_set(format, str(root), lists=ListSettings(missing="skip"))
    told = {"classes": data.classes}
    for subset in SUBSETS:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                videos = data.read(subset)
        except AnnotationError:
            told[subset] = None
            continue
        place = below if "://" in str(root) else (lambda path, root: path[len(str(root)) + 1 :])
        told[subset] = [(r.id, r.label, r.labels, place(r.path, root)) for r in videos.records]
    return told


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_data_set_at_an_address_is_that_of_the_folder(layout, moved, tmp_path):
    format = layout.partition(" ")[0]
    local = LAYOUTS[layout](tmp_path / "local")
    want = found(format, local)
    assert any(map(want.get, SUBSETS))
    assert found(format, moved(local)) == want


def test_a_recipe_trains_from_a_zip(tmp_path):
    root = write_ucf101(tmp_path / "ucf", num_frames=10)
    file = shutil.make_archive(str(tmp_path / "all"), "zip", root)
    data = VideoDataModule("ucf101", f"zip://::{file}")
    data.setup("fit")
    local = VideoDataModule("ucf101", str(root)).train_dataloader().dataset
    here = data.train_dataloader().dataset
    assert all((here[n]["clips"] == local[n]["clips"]).all() for n in range(len(local)))


def test_a_csv_list_may_name_files_inside_a_zip(tmp_path):
    write_video(tmp_path / "videos/a.mp4", 8)
    file = shutil.make_archive(str(tmp_path / "all"), "zip", tmp_path / "videos")
    write(tmp_path / "list.csv", f"zip://a.avi::{file},run\n")
    lists = ListSettings(train=str(tmp_path / "list.csv"))
    (record,) = open_data_set("csv", "elsewhere", lists=lists).read("train").records
    assert record.path == f"zip://a.mp4::{file}"


def test_what_an_address_cannot_do_is_told(tmp_path):
    with pytest.raises(AnnotationError, match="on a web server, which can't tell what is in"):
        open_data_set("ucf101", "https://example.org/ucf101")
    root = f"memory://{tmp_path.name}"
    with pytest.raises(AnnotationError, match=f"data set folder {root}/none does not exist"):
        open_data_set("ucf101", f"{root}/none").read("train")
    local = write_frames(jester(tmp_path / "jester") / "frames/34870", 3).parents[1]
    files, folder = fsspec.url_to_fs(root)
    files.put(f"{local}/", f"{folder}/", recursive=True)
    with pytest.raises(AnnotationError, match="34870 is a folder or archive of frames, which are"):
        open_data_set("jester", root).read("train")
    data = open_data_set("motion", f"{root}/motion")
    data.prepare()
    assert names_in(f"{root}/motion") == []
    files.rm(folder, recursive=True)


class Refusing(fsspec.AbstractFileSystem):
    """A storage whose server refuses everything."""

    protocol = "refusing"

    def ls(self, path, detail=True, **kwargs):
        raise ConnectionError("the server is on fire")

    info = find = cat_file = ls


@pytest.mark.parametrize("format", ["ucf101", "folder", "shards", "kinetics"])
def test_a_server_that_fails_is_no_absent_folder(format):
    fsspec.register_implementation("refusing", Refusing, clobber=True)
    root = "refusing://bucket"
    with pytest.raises(AnnotationError, match=r"refusing://.*ConnectionError: the server is on fi"):
        open_data_set(format, root).read("train")


@pytest.fixture
def checked(tmp_path):
    """A bucket with videos in the layout of UCF101, one of them broken and one twice."""
    local = write_ucf101(tmp_path / "ucf", per_class=3, num_frames=10)
    run = local / "videos/Run"
    (run / "v_Run_g03_c01.mp4").write_bytes(b"no video, here")
    shutil.copy(run / "v_Run_g02_c01.mp4", local / "videos/Jump/v_Jump_g02_c01.mp4")
    root = f"memory://{tmp_path.name}"
    files, folder = fsspec.url_to_fs(root)
    files.put(f"{local}/", f"{folder}/", recursive=True)
    yield root, local
    files.rm(folder, recursive=True)


def check(root, *more):
    return main(["check", "--format=ucf101", f"--root={root}", "--clip.num_frames=4", *more])


def test_check_finds_at_an_address_what_it_finds_in_the_folder(checked, capsys):
    root, local = checked
    told = []
    for place in (local, root):
        assert check(place, "--clip.interval=2", "--strict=true", "--full=true") == 1
        told.append(capsys.readouterr().out.replace(str(place), "ROOT"))
    assert "broken: 1\n  videos/Run/v_Run_g03_c01.mp4: no video stream" in told[0]
    assert "duplicate: 1" in told[0]
    assert told[1] == told[0]
    here, there = (read_table(join(place, NAME)) for place in (local, root))
    assert there["error"].is_valid().equals(here["error"].is_valid())
    others = ["error", "mtime_ns"]
    assert there.drop_columns(others).equals(here.drop_columns(others))


def test_an_index_at_an_address_is_used_and_gone_on_with(checked, monkeypatch):
    root, _ = checked
    assert check(root) == 0
    monkeypatch.setattr("snl_video.data.manifest.file_looker.fetch", None)
    assert check(root) == 0  # no file is fetched again
    data = VideoDataModule("ucf101", root)
    videos = data.video_list("test")
    index = data.lists.index("test", None)
    assert len(index) == 2
    assert index.known(0, videos.records[0].path).frames == 10
    files, name = fsspec.url_to_fs(videos.records[0].path)
    files.pipe_file(name, files.cat_file(name) + b"more")
    addresses._size.cache_clear()
    with pytest.raises(StaleIndexError, match="changed after it was indexed"):
        index.known(0, videos.records[0].path)


def test_a_server_that_fails_stops_a_check_and_breaks_no_video(checked, monkeypatch, capsys):
    root, _ = checked
    good = addresses.fetch

    def fetch(path, file):
        if "Run_g02" in path:
            raise ConnectionError("reset by peer")
        good(path, file)

    monkeypatch.setattr("snl_video.data.manifest.file_looker.fetch", fetch)
    assert check(root, "--workers=1") == 1
    assert "v_Run_g02_c01.mp4: cannot be read (ConnectionError: reset by" in capsys.readouterr().err
    rows = read_table(join(root, NAME)).to_pylist()
    assert rows
    assert not [row for row in rows if row["error"] and "reset" in row["error"]]
    monkeypatch.undo()
    assert check(root) == 0
    assert len(read_table(join(root, NAME))) == 6


def test_a_web_server_takes_no_index(tmp_path):
    words = ["check", "--format=csv", "--root=https://example.org", "--lists.train=train.csv"]
    assert main(words) == 2
