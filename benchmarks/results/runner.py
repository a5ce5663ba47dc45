"""Carry out runs, a few at a time, so that being killed loses nothing that was finished."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
import zipfile
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from benchmarks.results.plan import Recipe, Run, Stage, commit, mark
from benchmarks.results.record import Record, next_stage, read_record

Command = Callable[[Run, Stage, Path, Path | None], list[str]]

PATIENCE = 60.0
"""Seconds that a stage has to end after it was asked to."""


@dataclass
class Active:
    """A stage that runs."""

    record: Record
    stage: Stage
    process: subprocess.Popen[bytes]


@dataclass(frozen=True)
class Failure:
    """A stage that ended without its result."""

    run: Run
    stage: Stage
    code: int
    log: Path

    def __str__(self) -> str:
        return (
            f"{self.run.name}: {self.stage} ended without its result, exit code {self.code}; "
            f"see {self.log}"
        )


@dataclass
class Runner:
    """Carries out runs in the order given.

    Attributes:
        runs: folder of all runs.
        recipe: of every run.
        command: gives the command of a stage from run, stage, folder and checkpoint to go on with.
        jobs: how many run side by side, each with one thread; a single one may use all.
        lock: file descriptor that the stages inherit, see `benchmarks.results.record.lock`.
        pause: seconds between looks at what runs.
        finished: is called after each finished run.
    """

    runs: Path
    recipe: Recipe
    command: Command
    jobs: int = 1
    lock: int | None = None
    pause: float = 1.0
    finished: Callable[[Run], None] = lambda run: None

    def carry_out(self, runs: Sequence[Run]) -> list[Failure]:
        """Run what is not finished; a run that fails is left, and the others go on.

        SIGINT, SIGTERM and SIGHUP end the active stages, add their seconds and raise
        KeyboardInterrupt. Nothing starts if any run is of another recipe.

        Raises:
            ResultsError: see `read_record`.
        """
        for run in runs:
            read_record(self.runs, run, self.recipe)
        waiting = deque(run for run in runs if next_stage(self.runs, run))
        active: list[Active] = []
        failures = []
        with _signals_interrupt():
            try:
                while waiting or active:
                    while waiting and len(active) < self.jobs:
                        active.append(self._start(waiting.popleft()))
                    ended = [one for one in active if self._reap(one)]
                    active = [one for one in active if one not in ended]
                    for one in ended:
                        run = one.record.run
                        if next_stage(self.runs, run) == one.stage:
                            code, log = one.process.returncode, self._log(run)
                            failures.append(Failure(run, one.stage, code, log))
                            print(failures[-1], flush=True)
                        elif next_stage(self.runs, run):
                            active.append(self._start(run))
                        else:
                            self.finished(run)
                    if not ended:
                        time.sleep(self.pause)
            finally:
                self._stop(active)
        return failures

    def _start(self, run: Run) -> Active:
        stage = next_stage(self.runs, run)
        assert stage is not None
        record = read_record(self.runs, run, self.recipe)
        record.commits = list(dict.fromkeys([*record.commits, commit()]))
        record.spent[stage].starts += 1
        record.write(self.runs)
        folder = self.runs / run.name
        mark(folder, stage).unlink(missing_ok=True)
        resume = _whole_checkpoint(folder) if stage == "fit" else None
        threads = {"OMP_NUM_THREADS": "1"} if self.jobs > 1 else {}
        print(f"{run.name}: {stage}{f', from {resume}' if resume else ''}", flush=True)
        with self._log(run).open("ab") as log:
            process = subprocess.Popen(
                self.command(run, stage, folder, resume),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=os.environ | threads,
                pass_fds=() if self.lock is None else (self.lock,),
                start_new_session=True,
            )
        return Active(record, stage, process)

    def _reap(self, one: Active) -> bool:
        """Whether it has ended; then its seconds are written down."""
        pid, status, usage = os.wait4(one.process.pid, os.WNOHANG)
        if pid == 0:
            return False
        one.process.returncode = os.waitstatus_to_exitcode(status)
        spent = one.record.spent[one.stage]
        spent.seconds += usage.ru_utime + usage.ru_stime
        spent.counted += one.process.returncode >= 0
        one.record.write(self.runs)
        return True

    def _stop(self, active: Sequence[Active]) -> None:
        running = [one for one in active if one.process.returncode is None]
        for one in running:  # Popen.terminate would reap one that has just ended, uncounted
            os.kill(one.process.pid, signal.SIGTERM)
        end = time.monotonic() + PATIENCE
        while running := [one for one in running if not self._reap(one)]:
            if time.monotonic() > end:
                for one in running:
                    os.killpg(one.process.pid, signal.SIGKILL)
                end = float("inf")
            time.sleep(0.05)

    def _log(self, run: Run) -> Path:
        return self.runs / run.name / "log.txt"


def _whole_checkpoint(folder: Path) -> Path | None:
    """The checkpoint to go on with; one that was cut off while it was written is put aside."""
    last = folder / "checkpoints" / "last.ckpt"
    if last.is_file() and not zipfile.is_zipfile(last):
        last.replace(last.with_suffix(".broken"))
    return last if last.is_file() else None


@contextlib.contextmanager
def _signals_interrupt() -> Iterator[None]:
    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    names = (signal.SIGTERM, signal.SIGHUP)
    before = [signal.signal(name, interrupt) for name in names]
    try:
        yield
    finally:
        for name, handler in zip(names, before, strict=True):
            signal.signal(name, handler)
