"""What is kept beside a run: its recipe, the code, and the processor seconds of each stage."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

from benchmarks.results.plan import Recipe, ResultsError, Run, Stage, mark

FILE = "measured.json"


@dataclass
class Spent:
    """Processor seconds of one stage, user and system, of all its processes.

    Attributes:
        seconds: over all starts whose end was seen.
        starts: how often the stage was started.
        counted: how often its end was seen and all its seconds with it. A start whose watcher was
            killed is not counted, nor one that a signal ended: the seconds of children that it did
            not wait for are lost.
    """

    seconds: float = 0.0
    starts: int = 0
    counted: int = 0


@dataclass
class Record:
    """One run as `measured.json` tells it.

    Attributes:
        run: which.
        recipe: `Recipe.sha256` of its kind.
        commits: of the code, at each start, repeats left out.
        spent: by stage.
    """

    run: Run
    recipe: str
    commits: list[str] = field(default_factory=list)
    spent: dict[Stage, Spent] = field(default_factory=lambda: {"fit": Spent(), "test": Spent()})

    def write(self, runs: Path) -> None:
        """Write it whole or not at all."""
        file = runs / self.run.name / FILE
        file.parent.mkdir(parents=True, exist_ok=True)
        half = file.with_suffix(".tmp")
        half.write_text(json.dumps(asdict(self), indent=2) + "\n", encoding="utf-8")
        half.replace(file)

    @property
    def cpu_seconds(self) -> float:
        """Of both stages."""
        return sum(spent.seconds for spent in self.spent.values())

    @property
    def in_one_go(self) -> bool:
        """Whether every stage was started once and counted: a stage started again repeats work."""
        return all(spent.starts == spent.counted == 1 for spent in self.spent.values())


def read_record(runs: Path, run: Run, recipe: Recipe) -> Record:
    """The record of a run, a new one where it never started.

    Raises:
        ResultsError: the folder holds a run of another recipe, or one that was not made here.
    """
    folder = runs / run.name
    file = folder / FILE
    wanted = recipe.sha256(run.kind)
    if not file.is_file():
        if folder.is_dir() and any(folder.iterdir()):
            raise ResultsError(
                f"{folder} has files but no {FILE}, so nobody knows its recipe; delete it, or name "
                "another folder with --runs"
            )
        return Record(run, wanted)
    try:
        said = json.loads(file.read_text(encoding="utf-8"))
        record = Record(
            Run(**said["run"]),
            said["recipe"],
            said["commits"],
            {stage: Spent(**values) for stage, values in said["spent"].items()},
        )
    except (ValueError, KeyError, TypeError) as error:
        raise ResultsError(f"{file} is damaged ({error}); delete {folder}") from error
    if record.run != run or record.recipe != wanted:
        raise ResultsError(
            f"{folder} is a run of another recipe ({record.recipe[:12]}) than {recipe.config} is "
            f"now ({wanted[:12]}); runs of two recipes are never put in one table: delete it, or "
            "name another folder with --runs"
        )
    return record


def next_stage(runs: Path, run: Run) -> Stage | None:
    """The stage that a run needs, None where it is finished."""
    folder = runs / run.name
    if not (mark(folder, "fit").exists() and (folder / "checkpoints" / "best.ckpt").is_file()):
        return "fit"
    if not (mark(folder, "test").exists() and (folder / "report" / "metrics.json").is_file()):
        return "test"
    return None


@contextlib.contextmanager
def lock(runs: Path) -> Iterator[int]:
    """Hold the folder of all runs; gives the lock's file descriptor.

    Processes that inherit the descriptor hold it too: a training whose watcher was killed keeps the
    folder locked until it ends.

    Raises:
        ResultsError: somebody holds it.
    """
    runs.mkdir(parents=True, exist_ok=True)
    file = runs / "lock"
    with file.open("a+") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            stream.seek(0)
            raise ResultsError(
                f"{runs} is in use by process {stream.read().strip() or 'unknown'} or by a "
                "training that it started; wait for it, or end it"
            ) from error
        stream.truncate(0)
        stream.write(f"{os.getpid()}\n")
        stream.flush()
        yield stream.fileno()
