"""Probes of several kinds, splits and seeds, each trained once and kept."""

import hashlib
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from snl_video.blocks import NonLocalBlock
from snl_video.errors import InputError
from snl_video.evaluation.probe_results import ProbeRun
from snl_video.evaluation.video_table import list_sha256
from snl_video.models.block_gains import block_gain
from snl_video.models.probe_network import ProbeHead
from snl_video.training.probe_data import ListedFeatures
from snl_video.training.probe_fit import ProbeFitSettings, fit_probe, probe_scores
from snl_video.training.probe_kinds import probe_head_spec
from snl_video.whole_files import write_whole


@dataclass(frozen=True)
class ProbeTask:
    """One probe to train and to measure.

    Attributes:
        kind: see `probe_head_spec`.
        split: of the data set.
        seed: of training.
        train: the videos to train on.
        measured: the videos to measure on.
        num_classes: size of the logits.
        features_key: of the folder of the features.
    """

    kind: str
    split: int
    seed: int
    train: ListedFeatures
    measured: ListedFeatures
    num_classes: int
    features_key: str

    def key(self, settings: ProbeFitSettings) -> str:
        """Hash of all that its result depends on."""
        lists = [
            list_sha256(part.ids, part.labels.tolist()) for part in (self.train, self.measured)
        ]
        parts = [self.kind, self.split, self.seed, self.features_key, lists, asdict(settings)]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def carry_out(task: ProbeTask, settings: ProbeFitSettings) -> tuple[ProbeHead, ProbeRun]:
    """Train a probe, and measure it. A video that could not be read is wrong."""
    start = time.process_time()
    head = fit_probe(
        task.train.features,
        task.train.labels,
        probe_head_spec(task.kind, settings),
        task.num_classes,
        settings,
        task.seed,
    )
    seconds = time.process_time() - start
    measured = task.measured
    predicted = probe_scores(head, measured.features).argmax(1).tolist()
    run = ProbeRun(
        kind=task.kind,
        split=task.split,
        seed=task.seed,
        ids=[*measured.ids, *measured.lost],
        label=[*measured.labels.tolist(), *measured.lost_labels],
        predicted=[*predicted, *[-1] * len(measured.lost)],
        parameters=sum(parameter.numel() for parameter in head.parameters()),
        gain=block_gain(head.block) if isinstance(head.block, NonLocalBlock) else None,
        seconds=seconds,
    )
    return head, run


def kept_or_carried_out(file: Path, task: ProbeTask, settings: ProbeFitSettings) -> ProbeRun:
    """Read the result of a probe, or train it and keep the result.

    Raises:
        InputError: the file is damaged, or of other settings.
    """
    key = task.key(settings)
    if not file.is_file():
        _, run = carry_out(task, settings)
        write_whole(file, json.dumps({"key": key, "run": asdict(run)}) + "\n")
        return run
    try:
        content: Mapping[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        theirs, run = content["key"], ProbeRun(**content["run"])
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{file} is damaged ({error}); delete it") from error
    if theirs != key:
        raise InputError(
            f"{file} is a probe of other features, lists or settings, which never stand in one "
            "table; name another folder with --run_dir, or delete this one"
        )
    return run


def best_kind(runs: Sequence[ProbeRun]) -> str:
    """Return the kind with the most right videos over all its runs; the earlier one of equals."""
    right: dict[str, int] = {}
    for run in runs:
        right[run.kind] = right.get(run.kind, 0) + int(run.correct.sum())
    return max(right, key=lambda kind: right[kind])
