"""Held-out videos must stay held out.

What is held out of a folder is chosen anew whenever the folder is read, so videos that are added
after training change the choice. A checkpoint knows what it was trained on.
"""

from __future__ import annotations

from collections.abc import Collection

from snl_video.data.video_list import VideoList
from snl_video.errors import AnnotationError
from snl_video.wording import first_few


def refuse_trained(held_out: VideoList, trained_on: Collection[str], root: str) -> None:
    """Refuse held-out videos that a checkpoint was trained on.

    Args:
        held_out: of the folder as it is now.
        trained_on: ids of the videos that the checkpoint was trained on.
        root: the folder.

    Raises:
        AnnotationError: the two have ids in common.
    """
    known = frozenset(trained_on)
    met = [record.id for record in held_out.records if record.id in known]
    if met:
        raise AnnotationError(
            f"the checkpoint was trained on {len(met)} of the {len(held_out)} videos that are now "
            f"held out of {root} ({first_few(met, 3)}): its videos, data.holdout.share or "
            "data.holdout.seed changed since. Make folders train/ and val/ (or test/) in it, with "
            "no video in val/ that was trained on; or evaluate a folder of other videos with "
            "--data.root FOLDER --data.holdout.share 0"
        )
