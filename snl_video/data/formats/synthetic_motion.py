"""The motion data set that the package writes by itself, in UCF101's layout."""

from __future__ import annotations

from snl_video.data.addresses import is_address
from snl_video.data.formats.ucf101 import UCF101
from snl_video.data.synthetic.motion_scenes import CLASSES


class SyntheticMotion(UCF101):
    """Ten classes that need time to tell apart; written to the root if it is not there."""

    flip = 0.0  # left and right are classes

    def prepare(self) -> None:
        """Write it, unless it is there; nothing is written to an address."""
        from snl_video.data.synthetic.motion import write_motion  # the module is also a command

        if not is_address(self.root):
            write_motion(self.root)

    def read_classes(self) -> list[str]:
        """Class names, known before it is written."""
        return list(CLASSES)
