"""The cached features of a list of videos, in memory."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from snl_video.data.feature_files import FeatureFiles
from snl_video.data.video_list import VideoList
from snl_video.errors import InputError
from snl_video.wording import first_few, utf8


@dataclass(frozen=True)
class ListedFeatures:
    """Features of those videos of a list that have some.

    Attributes:
        features: (N, V, C, ...) float16.
        labels: (N,) int64.
        ids: (N,) names of the videos.
        lost: ids of the list without features, since the video could not be read.
        lost_labels: their labels.
    """

    features: Tensor
    labels: Tensor
    ids: list[str]
    lost: list[str]
    lost_labels: list[int]

    def __len__(self) -> int:
        return len(self.ids)


def listed_features(files: FeatureFiles, videos: VideoList, *, mirrored: bool) -> ListedFeatures:
    """Read the features of a list.

    Args:
        files: where they are.
        videos: the list.
        mirrored: take the mirror images too, where there are some.

    Raises:
        InputError: there are none of a video of the list, or of all; or a video may have several
            labels.
    """
    if videos.several_labels:
        raise InputError("a probe tells one class a video; in this list a video may have several")
    absent = [record.id for record in videos.records if utf8(record.id) not in files.rows]
    if absent:
        raise InputError(
            f"{files.folder} has no features of {len(absent)} of {len(videos)} videos "
            f"({first_few(absent, 3)}); call `snl-video features` with --format for this data set"
        )
    rows = [(record, files.rows[utf8(record.id)].reason) for record in videos.records]
    there = [record for record, reason in rows if not reason]
    lost = [record for record, reason in rows if reason]
    if not there:
        raise InputError(f"{files.folder}: no video of the list could be read")
    arrays = [files[record.id] for record in there]
    if files.settings["mirrored"] and not mirrored:
        arrays = [array[: len(array) // 2] for array in arrays]
    return ListedFeatures(
        torch.from_numpy(np.stack(arrays)),
        torch.tensor([record.label for record in there]),
        [record.id for record in there],
        [record.id for record in lost],
        [record.label for record in lost],
    )
