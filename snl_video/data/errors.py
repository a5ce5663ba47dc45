"""The one error that reading a video may raise."""


class VideoError(RuntimeError):
    """A video file cannot be read.

    The message names the file, the reason and what to do. A loader's worker process re-raises an
    error from its text alone, so the class can also be built from a finished message.

    Attributes:
        path: the file, or the whole message when built from a message alone.
        reason: what is wrong and the remedy, or "" when built from a message alone.
    """

    def __init__(self, path: str, reason: str = "") -> None:
        super().__init__(f"{path}: {reason}" if reason else path)
        self.path = path
        self.reason = reason

    def __reduce__(self) -> tuple[type["VideoError"], tuple[str, str]]:
        return type(self), (self.path, self.reason)
