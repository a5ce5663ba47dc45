"""Videos to predict: files and folders without labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from snl_video.data.addresses import is_address
from snl_video.data.decoding.frame_files import is_frame_folder
from snl_video.data.formats.video_files import videos_below
from snl_video.data.video_list import VideoList, VideoRecord
from snl_video.errors import AnnotationError


@dataclass(frozen=True)
class PredictSettings:
    """What is predicted.

    Attributes:
        paths: files and folders, or just one; by default the test list.
        classes: the classes in the order of their labels, to predict without a data set.
    """

    paths: list[str] | str | None = None
    classes: list[str] | None = None


def read_files(paths: str | Sequence[str | Path], classes: Sequence[str]) -> VideoList:
    """Files, and all videos below folders, without labels (-1).

    A folder that holds numbered pictures itself is one video. A file keeps its place in the list
    even where it is no video: reading it says why. In folders what is hidden is passed over; see
    `video_files.files_below`.

    An address, such as s3://bucket/a.mp4, is one video.

    Raises:
        AnnotationError: a path does not exist, a folder cannot be read, or nothing was found.
    """
    paths = [paths] if isinstance(paths, str) else paths
    records = []
    for given in paths:
        path = Path(given)
        if is_address(given):
            records.append(VideoRecord(str(given), -1, str(given)))
        elif path.is_dir() and not is_frame_folder(path):
            inside = videos_below(path)
            records += [VideoRecord(str(path / name), -1, name) for name in inside]
        elif path.exists():
            records.append(VideoRecord(str(path), -1, path.name))
        else:
            raise AnnotationError(f"{path} does not exist; give video files or folders of them")
    if not records:
        raise AnnotationError(
            f"no video in {', '.join(map(str, paths)) or 'an empty list'}; give video files or "
            "folders of them"
        )
    return VideoList(records, list(classes))
