"""HMDB51: one `<class>_test_split<N>.txt` per class; 1 is train, 2 is test, 0 is not used."""

from __future__ import annotations

from collections.abc import Iterator

from snl_video.data.address_paths import AnyPath
from snl_video.data.formats.data_set_format import DataSetFormat, Subset
from snl_video.data.formats.entries import Entry, build_list, check_classes, read_lines, require_dir
from snl_video.data.formats.video_files import VideoFolder, first_dir
from snl_video.data.video_list import VideoList
from snl_video.errors import AnnotationError

_SUBSET_OF_FLAG = {"0": None, "1": "train", "2": "test"}
_FOLDER_NAMES = ("testTrainMulti_7030_splits", "test_train_splits", "splits", ".")


class HMDB51(DataSetFormat):
    """One official split, 70 training and 30 test clips a class; the latter validate too.

    The root holds the split files, in `testTrainMulti_7030_splits/` or a folder of a shorter name,
    and the class folders, in `videos/` or itself.
    """

    def read_classes(self) -> list[str]:
        """Class names, sorted, taken from the names of the split files."""
        folder = self._lists()
        names = {path.name[: -len("_test_split1.txt")] for path in folder.glob("*_test_split?.txt")}
        return check_classes(sorted(names), folder)

    def read(self, subset: Subset) -> VideoList:
        """See `DataSetFormat.read`."""
        self.check_split()
        classes = self.read_classes()
        root = self.folder
        return build_list(
            self._entries(classes, "train" if subset == "train" else "test"),
            classes,
            source=self._lists(),
            missing=self.lists.missing,
            remedy=f"unpack the class archives into {root / 'videos'}",
        )

    def _lists(self) -> AnyPath:
        root = require_dir(self.root, "data set folder")
        folders = [root / name for name in _FOLDER_NAMES]
        if self.lists.folder is not None:
            folders = [self.list_folder()]
        for folder in folders:
            if next(folder.glob("*_test_split?.txt"), None) is not None:
                return folder
        raise AnnotationError(
            f"no *_test_split1.txt in {', '.join(map(str, folders))}; unpack the official split "
            f"files into {root / _FOLDER_NAMES[0]}"
        )

    def _entries(self, classes: list[str], official: str) -> Iterator[Entry]:
        root = self.folder
        folder = VideoFolder(first_dir(root / "videos", root) or root)
        lists = self._lists()
        for label, name in enumerate(classes):
            path = lists / f"{name}_test_split{self.split}.txt"
            if not path.is_file():
                raise AnnotationError(f"{path} is absent; unpack all official split files again")
            for line in read_lines(path):
                file, _, flag = line.rpartition(" ")
                if flag not in _SUBSET_OF_FLAG:
                    raise AnnotationError(f"{path}: line {line!r} does not end in 0, 1 or 2")
                if _SUBSET_OF_FLAG[flag] == official:
                    relative = f"{name}/{file.strip()}"
                    yield Entry(relative, label, folder.find(relative))
