"""A pool of processes of Ray Data, on one machine or on a cluster, for the parts of long lists."""

import json
import logging
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Any

from snl_video.errors import InputError, UsageError

Work = Callable[[Any], Any]
"""Does one part; it and its answer are plain values, as JSON knows them."""


@dataclass(frozen=True)
class RayPool:
    """How many processes there are, and where.

    Attributes:
        workers: processes.
        address: of a Ray cluster; None starts Ray here, and ends it.
        gpu: each process has a GPU.
    """

    workers: int
    address: str | None = None
    gpu: bool = False

    def __post_init__(self) -> None:
        if self.workers < 1:
            raise UsageError(f"--workers must be 1 or more, got {self.workers}")

    def answers(self, make: Callable[[], Work], parts: Sequence[Any]) -> Generator[Any, None, None]:
        """Do all parts, and give the answers as they come.

        Ray starts a process that dies anew, with the part it had.

        Args:
            make: called once in each process, with its first part, for what does them; a function
                or class of a module, or a `partial` of one, but no method, which Ray cannot send.
            parts: plain values.

        Raises:
            UsageError: Ray is not installed.
            InputError: raised in a process; nothing more is done.
        """
        if not parts:
            return
        try:
            import ray
        except ImportError as error:
            raise UsageError("--engine ray needs Ray: pip install 'snl_video[ray]'") from error
        # Ray's CPUs only count what may run at once; it would wait for ever with fewer than it
        # plans
        cpus = None if self.address else self.workers + 1
        quiet = {"log_to_driver": False, "logging_level": logging.ERROR}
        logging.getLogger("ray.data").setLevel(logging.ERROR)
        with ray.init(self.address, num_cpus=cpus, include_dashboard=False, **quiet):
            ray.data.DataContext.get_current().enable_progress_bars = False
            rows = [{"part": json.dumps(part)} for part in parts]  # any file's name is ASCII so
            done = ray.data.from_items(rows, override_num_blocks=len(rows)).map(
                _Process,
                fn_constructor_args=[make],
                compute=ray.data.ActorPoolStrategy(size=self.workers),
                num_cpus=1,
                num_gpus=1 if self.gpu else 0,
            )
            for row in done.iter_rows():
                if row["error"]:
                    raise InputError(row["error"])
                yield json.loads(row["answer"])


class _Process:
    """What one process of the pool holds."""

    def __init__(self, make: Callable[[], Work]) -> None:
        self.make = make
        self.work: Work | None = None

    def __call__(self, row: dict[str, str]) -> dict[str, str]:
        try:
            self.work = self.work or self.make()
            return {"answer": json.dumps(self.work(json.loads(row["part"]))), "error": ""}
        except InputError as error:  # Ray would make a traceback of it
            return {"answer": "", "error": str(error)}
