"""An index of what the listed files are, made once by `python -m snl_video.tools.check`."""

from snl_video.data.catalogue.index import NAME, StaleIndexError, VideoIndex
from snl_video.data.catalogue.table import read_table, write_table

__all__ = ["NAME", "StaleIndexError", "VideoIndex", "read_table", "write_table"]
