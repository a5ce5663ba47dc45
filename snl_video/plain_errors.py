"""Errors of the input, told in their own words instead of a traceback."""

from collections.abc import Iterator
from contextlib import contextmanager

from snl_video.data.annotations import AnnotationError
from snl_video.data.catalogue import StaleIndexError
from snl_video.data.errors import VideoError
from snl_video.data.unreadable import TooManyUnreadableError
from snl_video.models.pretrained import PretrainedError
from snl_video.models.pretrained.cache import FetchError

OF_INPUT = (
    *(AnnotationError, StaleIndexError, VideoError, TooManyUnreadableError),
    *(PretrainedError, FetchError),
)
"""What the user's data, weights or connection cause; the message says what to do."""


@contextmanager
def plain_errors() -> Iterator[None]:
    """Turn errors of the input into SystemExit with their message, as commands want them.

    A loader's worker puts its traceback before the message; that is left out too.

    Raises:
        SystemExit: from one of `OF_INPUT`, which is its cause; other errors stay as they are.
    """
    try:
        yield
    except OF_INPUT as error:
        words = str(error).rsplit(f"{type(error).__name__}: ", 1)[-1].strip()
        raise SystemExit(words) from error
