"""The folder of a run: what may be written to it, which weights are evaluated, and how."""

import os
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from snl_video.errors import InputError
from snl_video.protocol import protocol_of
from snl_video.renamed import migrate_checkpoint
from snl_video.weights import as_pretrained, known_classes
from snl_video.whole_files import previous_in_words, previous_of

ARCHITECTURE = ("backbone", "width", "dropout", "backbone_options", "non_local")
"""Settings of the model that a checkpoint decides; the configuration can't change them."""
OF_ONE_DATA_SET = ("root", "split", "lists.", "holdout.", "decoding.index")
"""Settings and groups of the data that mean nothing in another format than the checkpoint's."""


def proposals(
    checkpoint: Mapping[str, Any], config: Any, defaults: Any, subcommand: str
) -> dict[str, Any]:
    """Return the settings that a checkpoint proposes for its evaluation: dotted name -> value.

    Its protocol, its clip settings, those of its evaluation, and its classes to predict; those of
    its data set unless the configuration names another ``format``, and its ``index`` unless another
    ``root``.

    Args:
        checkpoint: as `load_checkpoint` returns it.
        config: of the sub-command, as it was parsed without proposals.
        defaults: of the sub-command.
        subcommand: "validate", "test" or "predict".
    """
    model, data = checkpoint["hyper_parameters"], checkpoint["datamodule_hyper_parameters"]
    root, format = (
        config.data[name] not in (defaults.data[name], data[name]) for name in ("root", "format")
    )
    left: tuple[str, ...] = OF_ONE_DATA_SET if format else ()
    if root or (subcommand == "predict" and config.data.predict.paths):
        left += ("decoding.index",)
    found = {
        f"data.{name}": value
        for name, value in dotted(data).items()
        if name in config.data and not name.startswith(left)
    }
    found.pop("data.clip.protocol", None)  # it follows the option
    found["protocol"] = protocol_of(model)
    found |= {f"model.evaluation.{name}": value for name, value in model["evaluation"].items()}
    found["model.channels_last"] = model["channels_last"]
    found["model.loss.kind"] = model.get("loss", {}).get("kind", "cross_entropy")
    if subcommand == "predict":
        found["data.predict.classes"] = model["classes"]
    return found


def dotted(settings: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return nested settings flat: {"clip": {"num_frames": 8}} is {"clip.num_frames": 8}."""
    flat: dict[str, Any] = {}
    for name, value in settings.items():
        flat |= (
            dotted(value, f"{prefix}{name}.")
            if isinstance(value, dict)
            else {f"{prefix}{name}": value}
        )
    return flat


def predict_command(run_dir: str | Path) -> str:
    """Return the line that predicts a video with a finished run."""
    return f"snl-video predict {shlex.quote(str(run_dir))} new.mp4"


def next_commands(run_dir: str | Path) -> str:
    """Return the lines that test a run and predict with it after its training."""
    words = ""
    if last := _only_last(run_dir):
        words = f"no best.ckpt: training ended before the first validation; {last} is there\n"
    return f"{words}next: snl-video test {_of_run(run_dir)}\n      {predict_command(run_dir)}"


def resume_command(words: Sequence[str], run_dir: str | Path) -> str:
    """Return the line that goes on with the run of a command line of before."""
    kept = list(words)
    for place in reversed([i for i, word in enumerate(kept) if word.startswith("--ckpt_path")]):
        del kept[place : place + (1 if "=" in kept[place] else 2)]
    last = str(_checkpoint(run_dir, "last"))
    return f"snl-video {shlex.join([*kept, '--ckpt_path', last])}"


def refuse_to_overwrite(run_dir: Path, ckpt_path: str | None) -> None:
    """Raise InputError if a new run would write over the one in ``run_dir``.

    So it does where ``ckpt_path`` is no file: Lightning would fetch an address and run what is in
    it.
    """
    if ckpt_path is not None and not Path(ckpt_path).is_file():
        raise InputError(
            f"{ckpt_path} (--ckpt_path) is no file; name a checkpoint on this machine, "
            "addresses are not read"
        )
    last = _checkpoint(run_dir, "last")
    if last.exists() and ckpt_path is None:
        raise InputError(
            f"{run_dir} already holds a run. Go on with it with --resume auto, or with --ckpt_path "
            f"{last}, choose another folder with --run_dir, or delete it."
        )


def checkpoint_to_resume(run_dir: Path) -> str | None:
    """Return the checkpoint with the most steps that a run left, None where it left none.

    It is the last one, the one before where that was cut off, or the one that Lightning writes when
    Slurm is about to put the job into its queue again.

    Raises:
        InputError: there are checkpoints, and none can be read.
    """
    last = _checkpoint(run_dir, "last")
    files = [file for file in (last, previous_of(last)) if file.is_file()]
    steps: dict[Path, int] = {}
    for file in [*files, *run_dir.glob("hpc_ckpt_*.ckpt")]:
        try:
            steps[file] = load_checkpoint(file)["global_step"]
        except InputError as error:
            broken = error
    if steps:
        return str(max(steps, key=lambda file: steps[file]))
    if files:
        raise broken
    return None


def was_requeued() -> bool:
    """Say whether Slurm stopped this job and started it again."""
    return os.environ.get("SLURM_RESTART_COUNT", "0") != "0"


def checkpoint_to_evaluate(config: Any, subcommand: str) -> Path | None:
    """Return the checkpoint to evaluate, or None if it is the weights of ``pretrained``.

    Args:
        config: of the sub-command, as it was parsed.
        subcommand: for the message.

    Raises:
        InputError: there are no weights at all, or ``ckpt_path`` is no file.
    """
    given = config.ckpt_path
    path = Path(given) if given else _checkpoint(config.run_dir, "best")
    if path.is_file():
        return path
    if config.pretrained is not None and not given:
        return None
    origin = "--ckpt_path" if given else "--run_dir"
    raise InputError(
        f"{subcommand} needs trained weights, and {path} ({origin}) is no file; name a checkpoint "
        "with --ckpt_path, the folder of a finished fit with --run_dir, or published weights, with "
        "their head, with --pretrained"
    )


def classes_of_weights(config: Any) -> list[str] | None:
    """Return the class names that ``pretrained`` is known to have, else None.

    Raises:
        InputError: the weights can't be read, or the setting is a bad one.
    """
    given = config.pretrained
    try:
        return known_classes(as_pretrained(given if isinstance(given, str) else vars(given)).source)
    except ValueError as error:
        raise InputError(f"{error}\n{why_weights(config.run_dir)}") from error


def why_weights(run_dir: str) -> str:
    """Say why no checkpoint was evaluated, for the end of an error message."""
    return (
        f"(pretrained was evaluated because there is no {_checkpoint(run_dir, 'best')}; to "
        "evaluate a checkpoint, name it with --ckpt_path or its run with --run_dir)"
    )


def load_checkpoint(path: Path) -> dict[str, Any]:
    """Read a checkpoint of this package on the CPU; its tensors stay in the file till used.

    Raises:
        InputError: it is another file, or broken.
    """
    try:
        checkpoint = migrate_checkpoint(
            torch.load(path, map_location="cpu", weights_only=True, mmap=True)
        )
        checkpoint["hyper_parameters"], checkpoint["datamodule_hyper_parameters"]
    except Exception as error:
        raise InputError(
            f"{path} is not a checkpoint of this package, or was cut off ({type(error).__name__}: "
            f"{error}){previous_in_words(path)}"
        ) from error
    return checkpoint


def _of_run(run_dir: str | Path) -> str:
    """The options that name the weights of a run."""
    last = _only_last(run_dir)
    checkpoint = f" --ckpt_path {shlex.quote(str(last))}" if last else ""
    return f"--run_dir {shlex.quote(str(run_dir))}{checkpoint}"


def _only_last(run_dir: str | Path) -> Path | None:
    """The last checkpoint of a run where there is no best one."""
    best, last = (_checkpoint(run_dir, name) for name in ("best", "last"))
    return last if last.exists() and not best.exists() else None


def _checkpoint(run_dir: str | Path, name: str) -> Path:
    return Path(run_dir) / "checkpoints" / f"{name}.ckpt"
