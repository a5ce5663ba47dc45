"""Formats of data sets: which videos there are, with which label. Nothing here opens a video.

A format is one class, in a file of its own, and one row of `FORMATS`. One from outside is added by
`FORMATS["mine"] = Mine`, before the data module is made.
"""

from pathlib import Path

from snl_video.data.formats.charades import Charades
from snl_video.data.formats.class_folders import ClassFolders
from snl_video.data.formats.csv_list import CsvLists
from snl_video.data.formats.data_set_format import SUBSETS, DataSetFormat, ListSettings, Subset
from snl_video.data.formats.diving48 import Diving48
from snl_video.data.formats.hmdb51 import HMDB51
from snl_video.data.formats.jester import Jester
from snl_video.data.formats.kinetics import Kinetics
from snl_video.data.formats.shards import Shards
from snl_video.data.formats.something_something import SomethingSomething
from snl_video.data.formats.synthetic_motion import SyntheticMotion
from snl_video.data.formats.synthetic_relations import SyntheticRelations
from snl_video.data.formats.ucf101 import UCF101
from snl_video.data.holdout import HoldoutSettings
from snl_video.errors import AnnotationError
from snl_video.wording import unknown_name

__all__ = [
    "FORMATS",
    "HMDB51",
    "SUBSETS",
    "UCF101",
    "Charades",
    "ClassFolders",
    "CsvLists",
    "DataSetFormat",
    "Diving48",
    "Jester",
    "Kinetics",
    "ListSettings",
    "Shards",
    "SomethingSomething",
    "Subset",
    "SyntheticMotion",
    "SyntheticRelations",
    "open_data_set",
]

FORMATS: dict[str, type[DataSetFormat]] = {
    "ucf101": UCF101,
    "hmdb51": HMDB51,
    "kinetics": Kinetics,
    "jester": Jester,
    "ssv2": SomethingSomething,
    "diving48": Diving48,
    "charades": Charades,
    "folder": ClassFolders,
    "csv": CsvLists,
    "shards": Shards,
    "motion": SyntheticMotion,
    "relations": SyntheticRelations,
}


def open_data_set(
    name: str,
    root: str | Path,
    split: int = 1,
    lists: ListSettings = ListSettings(),
    holdout: HoldoutSettings = HoldoutSettings(),
) -> DataSetFormat:
    """A data set in the format of this name; its lists are read when they are asked for.

    Raises:
        AnnotationError: there is no such format, or it can't hold videos out and should.
    """
    if name not in FORMATS:
        raise AnnotationError(unknown_name("format", name, FORMATS))
    return FORMATS[name](root, split, lists, holdout)
