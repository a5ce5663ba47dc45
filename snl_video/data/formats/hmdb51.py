"""HMDB51: one `<class>_test_split<N>.txt` per class; 1 is train, 2 is test, 0 is not used."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from snl_video.data.formats.entries import (
    Entry,
    Missing,
    VideoList,
    build_list,
    check_classes,
    check_split,
    check_subset,
    read_lines,
    require_dir,
)
from snl_video.data.formats.video_files import VideoFolder, first_dir
from snl_video.errors import AnnotationError

_SUBSET_OF_FLAG = {"0": None, "1": "train", "2": "test"}
_FOLDER_NAMES = ("testTrainMulti_7030_splits", "test_train_splits", "splits", ".")


def hmdb51_classes(root: str | Path, annotations: str | Path | None = None) -> list[str]:
    """Class names, sorted, taken from the names of the split files."""
    folder = _annotation_dir(root, annotations)
    names = {path.name[: -len("_test_split1.txt")] for path in folder.glob("*_test_split?.txt")}
    return check_classes(sorted(names), folder)


def read_hmdb51(
    root: str | Path,
    split: int = 1,
    subset: str = "train",
    annotations: str | Path | None = None,
    missing: Missing = "error",
) -> VideoList:
    """Read one subset of one official split.

    Args:
        root: holds `testTrainMulti_7030_splits/` and the class folders, in `videos/` or itself.
        split: 1, 2 or 3.
        subset: "train" (70 clips a class) or "test" (30).
        annotations: the folder of the split files, where it has another name.
        missing: "error", "skip" or "wrong"; see `build_list`.

    Raises:
        AnnotationError: see the parts; always says what to do.
    """
    check_split(split)
    check_subset(subset, ("train", "test"))
    classes = hmdb51_classes(root, annotations)
    lists = _annotation_dir(root, annotations)
    root = Path(root)
    folder = VideoFolder(first_dir(root / "videos", root) or root)
    entries = _entries(lists, classes, split, subset, folder)
    remedy = f"unpack the class archives into {root / 'videos'}"
    return build_list(entries, classes, source=lists, missing=missing, remedy=remedy)


def _annotation_dir(root: str | Path, annotations: str | Path | None) -> Path:
    root = require_dir(root, "data set folder")
    if annotations is not None:
        folders = [require_dir(annotations, "annotation folder")]
    else:
        folders = [root / name for name in _FOLDER_NAMES]
    for folder in folders:
        if next(folder.glob("*_test_split?.txt"), None) is not None:
            return folder
    raise AnnotationError(
        f"no *_test_split1.txt in {', '.join(map(str, folders))}; unpack the official split files "
        f"into {root / _FOLDER_NAMES[0]}"
    )


def _entries(
    lists: Path, classes: list[str], split: int, subset: str, folder: VideoFolder
) -> Iterator[Entry]:
    for label, name in enumerate(classes):
        path = lists / f"{name}_test_split{split}.txt"
        if not path.is_file():
            raise AnnotationError(f"{path} is absent; unpack all official split files again")
        for line in read_lines(path):
            file, _, flag = line.rpartition(" ")
            if flag not in _SUBSET_OF_FLAG:
                raise AnnotationError(f"{path}: line {line!r} does not end in 0, 1 or 2")
            if _SUBSET_OF_FLAG[flag] == subset:
                relative = f"{name}/{file.strip()}"
                yield Entry(relative, label, folder.find(relative))
