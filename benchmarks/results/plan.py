"""Which runs the table of results needs, in which order, and the command of each."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import yaml

PROJECT = Path(__file__).parents[2]
FIRST_KINDS = ("none", "nl", "snl", "gsnl")
"""Trained on every split before any other; "none" is the network without a block."""

FURTHER_KINDS = ("ns", "a2", "cgnl")
SPLITS = (1, 2, 3)

Stage = Literal["fit", "test"]


class ResultsError(ValueError):
    """Runs that can't be made or must not stand in one table; the message says the remedy."""


@dataclass(frozen=True, order=True)
class Run:
    """One training and its test."""

    kind: str
    split: int
    seed: int

    @property
    def name(self) -> str:
        """Its folder, below that of all runs."""
        return f"{self.kind}/split{self.split}_seed{self.seed}"


def plan(
    first: Sequence[str] = FIRST_KINDS,
    further: Sequence[str] = FURTHER_KINDS,
    splits: Sequence[int] = SPLITS,
    seeds: Sequence[int] = (0,),
) -> list[Run]:
    """All runs, the most telling first.

    Seed by seed: the first kinds on the first split, on the next, and so on; then the further ones.

    Raises:
        ResultsError: a kind, split or seed comes twice, or there is none.
    """
    for name, values in (("kind", (*first, *further)), ("split", splits), ("seed", seeds)):
        if not values or len(set(values)) < len(values):
            raise ResultsError(f"every {name} once, and at least one; got {list(values)}")
    return [
        Run(kind, split, seed)
        for seed in seeds
        for kinds in (first, further)
        for split in splits
        for kind in kinds
    ]


@dataclass(frozen=True)
class Recipe:
    """How every run is trained.

    Attributes:
        config: the recipe.
        root: the data set's folder.
        overlays: folder of one overlay a kind.
    """

    config: Path
    root: Path
    overlays: Path = PROJECT / "configs" / "blocks"

    def sha256(self, kind: str) -> str:
        """Hash of what the recipe and the kind's overlay say; comments and layout don't count.

        Raises:
            ResultsError: a file is not there.
        """
        said = [_read(path) for path in self._configs(kind)]
        said[0].pop("run_dir", None)
        return hashlib.sha256(json.dumps([kind, *said], sort_keys=True).encode()).hexdigest()

    def data(self) -> dict[str, Any]:
        """Settings of the data module that the recipe names.

        Raises:
            ResultsError: the recipe can't be read.
        """
        return dict(_read(self.config).get("data") or {})

    def command(self, run: Run, stage: Stage, folder: Path, resume: Path | None) -> list[str]:
        """`train.py` for one stage of a run, through `benchmarks.results.stage`.

        Args:
            run: which.
            stage: "fit" or "test".
            folder: of the run.
            resume: checkpoint that a fit goes on with.
        """
        more = ["--model.non_local=null"] if run.kind == "none" else []
        if stage == "fit":
            more += [f"--seed_everything={run.seed}", f"--data.seed={run.seed}"]
        if resume is not None:
            more.append(f"--ckpt_path={resume}")
        return [
            sys.executable,
            "-m",
            "benchmarks.results.stage",
            str(mark(folder, stage)),
            stage,
            *(f"--config={path}" for path in self._configs(run.kind)),
            f"--data.root={self.root}",
            f"--data.split={run.split}",
            f"--run_dir={folder}",
            *more,
        ]

    def _configs(self, kind: str) -> list[Path]:
        return [self.config, *([] if kind == "none" else [self.overlays / f"{kind}.yaml"])]


def mark(folder: Path, stage: Stage) -> Path:
    """The file that a stage leaves when it has come to its end."""
    return folder / f"{stage}.done"


def commit() -> str:
    """The checkout's commit, with a "+" where the code differs from it; "unknown" without git."""
    try:
        head = _git("rev-parse", "--short=10", "HEAD")
        changed = _git("status", "--porcelain", "--untracked-files=no", "--", "snl_video")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return head + "+" * bool(changed)


def _git(*arguments: str) -> str:
    command = ["git", "-C", str(PROJECT), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def _read(path: Path) -> dict[str, Any]:
    try:
        said = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise ResultsError(f"{path} can't be read as a recipe: {error}") from error
    if not isinstance(said, dict):
        raise ResultsError(f"{path} is not a recipe: it holds a {type(said).__name__}")
    return said
