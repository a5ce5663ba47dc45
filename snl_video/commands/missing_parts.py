"""`--engine ray`: the missing parts of a long list, done by several processes."""

from collections.abc import Callable, Mapping
from typing import Any

from rich.console import Console
from rich.progress import Progress

from snl_video.inference.list_parts import ListParts
from snl_video.ray_pool import RayPool, Work

PART = 64
"""Videos in a part."""


def do_missing(
    parts: ListParts,
    settings: Mapping[str, Any],
    pool: RayPool,
    make: Callable[[], Work],
    part_of: Callable[[int], Any],
    console: Console,
    retry: bool = False,
) -> dict[str, str]:
    """Do what is missing of a list, and return why videos could not be read, by their names.

    Args:
        parts: the list, and where its parts go.
        settings: what the results depend on.
        pool: the processes.
        make: makes in each process what writes a part, and returns how many videos it has.
        part_of: from a part's number to what a process is given.
        console: where progress is told.
        retry: do parts anew in which a video could not be read.

    Raises:
        InputError: the output holds parts of other settings.
    """
    missing = parts.begin(settings)
    if retry:
        missing = [n for n in parts.numbers() if n in missing or any(parts.reasons(n))]
    left = sum(len(parts.names_of(number)) for number in missing)
    if left < len(parts.names):
        console.print(f"{len(parts.names) - left} of them were done before")
    with Progress(console=console, transient=True) as bar:
        row = bar.add_task("videos", total=left)
        for count in pool.answers(make, list(map(part_of, missing))):
            bar.advance(row, count)
    return parts.failures()
