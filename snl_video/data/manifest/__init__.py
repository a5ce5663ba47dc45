"""An index of what the listed files are, made once by `snl-video check`."""

from snl_video.data.manifest.index import NAME, VideoIndex
from snl_video.data.manifest.table import read_table, write_table

__all__ = ["NAME", "VideoIndex", "read_table", "write_table"]
