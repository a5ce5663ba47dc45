"""What the user's files, settings or connection can cause: one base, and a class for each."""


class InputError(ValueError):
    """Something the user gave is not as it should be; the message says what and the remedy."""


class UsageError(InputError):
    """An option of the command line or a setting is not as it should be."""


class AnnotationError(InputError):
    """A data set's lists or folders are not as they should be."""


class VideoError(InputError):
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


class TooManyUnreadableError(InputError):
    """More of the training videos are unreadable than the settings allow."""


class StaleIndexError(InputError):
    """A file is not the one that was indexed."""


class NetworkError(InputError):
    """A network or a block in it cannot be built as the settings say, or the clip does not fit."""


class PretrainedError(InputError):
    """Weights cannot be read or do not fit."""


class FetchError(InputError):
    """Published weights could not be fetched, or are not the ones that were published."""


class ComparisonError(InputError):
    """Reports that are not about the same videos, or folders that are no reports."""
