"""The results of a very long list: parts in a folder or at an address, written as they come."""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from snl_video.data.filled_folders import begin, files_in


@dataclass(frozen=True)
class ListParts(ABC):
    """A list of videos that is worked on in parts of a fixed size.

    Part n holds the videos n * size and on. It is written whole or not at all, and its name depends
    on n alone: whoever does it, and however often, each video is in the folder once.

    Attributes:
        url: a folder, or an address that fsspec knows, such as s3://bucket/predictions.
        names: of the videos.
        size: videos in a part.
        what: the parts hold, for messages.
    """

    url: str
    names: Sequence[str]
    size: int
    what: ClassVar[str]

    @abstractmethod
    def file_of(self, number: int) -> str:
        """Return the name of a part's file."""

    @abstractmethod
    def reasons(self, number: int) -> list[str]:
        """Read why each video of a part could not be read; "" for the others."""

    def begin(self, settings: Mapping[str, Any]) -> list[int]:
        """Return the parts that are missing, in their order.

        Args:
            settings: what the results depend on, beside the list.

        Raises:
            InputError: parts of other settings or of another list are there.
        """
        names = "\n".join(self.names).encode("utf-8", "replace")
        plan = {
            **settings,
            "size": self.size,
            "videos": len(self.names),
            "list": hashlib.sha256(names).hexdigest(),
        }
        there = begin(self.url, plan, self.what)
        return [number for number in self.numbers() if self.file_of(number) not in there]

    def numbers(self) -> range:
        """Return the numbers of all parts."""
        return range(-(-len(self.names) // self.size))

    def names_of(self, number: int) -> list[str]:
        """Return the videos of a part."""
        return list(self.names[number * self.size : (number + 1) * self.size])

    def failures(self) -> dict[str, str]:
        """Read why videos of the parts that are there could not be read, by their names."""
        there = files_in(self.url)
        return {
            name: reason
            for number in self.numbers()
            if self.file_of(number) in there
            for name, reason in zip(self.names_of(number), self.reasons(number), strict=True)
            if reason
        }
