"""One training and its test, which can be killed and called again at any time."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from snl_video.commands.folder_lock import held_file
from snl_video.errors import InputError
from snl_video.whole_files import write_whole

PROGRAM = (sys.executable, "-m", "snl_video")
STAGES = ("fit", "test")
FILE = "kind_run.json"
HOLDER = "another compare-kinds, or by a training that one started"
PATIENCE = 60.0
"""Seconds that a stage has to end after it was asked to."""

Descriptors = tuple[int, ...]

Start = Callable[[Sequence[str], Path], int]
"""Runs `snl-video` with the words, adds what it prints to the file, returns the exit code."""


@dataclass
class RunRecord:
    """What is kept beside a run.

    Attributes:
        settings: dotted name -> value as text, of the training.
        starts: how often each stage was started.
        cpu_seconds: of the last start of each stage that came to its end, user and system, of all
            its processes.
        wall_seconds: the same on the clock.
    """

    settings: Mapping[str, str]
    starts: dict[str, int] = field(default_factory=dict)
    cpu_seconds: dict[str, float] = field(default_factory=dict)
    wall_seconds: dict[str, float] = field(default_factory=dict)

    @property
    def finished(self) -> bool:
        """Whether training and test came to their end."""
        return set(self.cpu_seconds) == set(STAGES)

    @property
    def uninterrupted_seconds(self) -> float | None:
        """Of the processor, of both stages; None where one was started again and repeated work."""
        return sum(self.cpu_seconds.values()) if self._uninterrupted else None

    @property
    def uninterrupted_time(self) -> float | None:
        """On the clock, of both stages; None likewise, and in records that do not have it."""
        return sum(self.wall_seconds.values()) or None if self._uninterrupted else None

    @property
    def _uninterrupted(self) -> bool:
        return self.finished and set(self.starts.values()) == {1}

    def write(self, folder: Path) -> None:
        """Write it whole or not at all."""
        write_whole(folder / FILE, json.dumps(asdict(self), indent=1) + "\n")


def read_record(folder: Path, settings: Mapping[str, str]) -> RunRecord:
    """The record of a run, a new one where it never started.

    Raises:
        InputError: the folder holds a run of other settings, or files of something else.
    """
    remedy = f"delete {folder}, or name another folder with --run_dir"
    file = folder / FILE
    if not file.is_file():
        if folder.is_dir() and any(folder.iterdir()):
            raise InputError(
                f"{folder} has files but no {FILE}: its settings are unknown; {remedy}"
            )
        return RunRecord(settings)
    try:
        record = RunRecord(**json.loads(file.read_text(encoding="utf-8")))
    except (ValueError, TypeError) as error:
        raise InputError(f"{file} is damaged ({error}); {remedy}") from error
    differing = [
        f"{name} {record.settings.get(name, 'unset')}, now {settings.get(name, 'unset')}"
        for name in sorted({*record.settings, *settings})
        if record.settings.get(name) != settings.get(name)
    ]
    if differing:
        raise InputError(
            f"{folder} is a run of other settings ({'; '.join(differing[:3])}); runs of different "
            f"settings are never put in one table: {remedy}"
        )
    return record


def carry_out(folder: Path, record: RunRecord, words: Sequence[str], start: Start) -> str | None:
    """Train and test, leaving out what is finished.

    Args:
        folder: of the run.
        record: of the run; it is kept up to date.
        words: options of `fit` and `test`.
        start: runs the program.

    Returns:
        What failed; None where all is finished.
    """
    log = folder / "log.txt"
    for stage in STAGES:
        if stage in record.cpu_seconds:
            continue
        record.starts[stage] = record.starts.get(stage, 0) + 1
        record.write(folder)
        more = ["--resume=auto"] if stage == "fit" else []
        before, began = _seconds_of_children(), time.monotonic()
        code = start([stage, *words, f"--run_dir={folder}", *more], log)
        if code:
            return f"{stage} ended with exit code {code}; see {log}"
        record.cpu_seconds[stage] = _seconds_of_children() - before
        record.wall_seconds[stage] = time.monotonic() - began
        record.write(folder)
    return None


def start_program(words: Sequence[str], log: Path, lock: Descriptors) -> int:
    """Run `snl-video` in a process of its own; see `Start`.

    Args:
        words: sub-command and options.
        log: what it prints is added to this file.
        lock: descriptors that it holds too; see `locked`.
    """
    with log.open("ab") as stream:
        process = subprocess.Popen(
            [*PROGRAM, *words],
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
            pass_fds=lock,
            start_new_session=True,
        )
    try:
        return process.wait()
    except KeyboardInterrupt:
        process.terminate()
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        raise


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[Descriptors]:
    """Hold the folder of all runs; gives the descriptor of the lock's file.

    A process that inherits it holds the folder too: a training whose parent was killed keeps it
    until it ends.

    Raises:
        InputError: somebody holds it, or one of its runs.
    """
    with held_file(folder / "lock", folder, HOLDER) as lock:
        yield (lock,)


@contextlib.contextmanager
def locked_part(folder: Path, name: str) -> Iterator[Descriptors]:
    """Hold one run of a folder, beside others that hold other ones; see `locked`."""
    with (
        held_file(folder / "lock", folder, HOLDER, shared=True) as shared,
        held_file(folder / "locks" / name, folder / name, HOLDER) as own,
    ):
        yield shared, own


def _seconds_of_children() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
