"""`snl-video predict`: the classes of videos, named one by one or as settings of a run."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Literal

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from snl_video.commands import video_cli
from snl_video.commands.command_parser import CommandParser
from snl_video.commands.freed_memory import keep_freed_memory
from snl_video.commands.named_videos import named_videos
from snl_video.errors import UsageError
from snl_video.inference.engines.engine import Backend, Precision
from snl_video.ray_pool import RayPool


def predict(
    model: str,
    videos: list[str],
    top: int = 5,
    views: str | None = None,
    output: str | None = None,
    overwrite: bool = False,
    device: str | None = None,
    backend: Backend | None = None,
    precision: Precision = "fp32",
    engine: Literal["local", "ray"] = "local",
    workers: int = 2,
    address: str | None = None,
) -> int:
    """Name the classes of videos.

      snl-video predict kinetics400 clip.mp4
      snl-video predict runs/mine new_videos/ more/*.mp4 --output predictions.csv

    A run that was stopped goes on where it was when it is called again with the same --output. With
    options alone, such as --run_dir, it is the `predict` of Lightning, for many GPUs:
    `snl-video predict --run_dir runs/mine --help`.

    Args:
        model: folder of a run, a checkpoint, a file of `snl-video export`, or kinetics400.
        videos: files, folders, patterns such as 'more/*.mp4', or - for a list on standard input.
        top: how many classes are named.
        views: clips x crops of each video, as 10x3; by default two clips of one crop at most on a
            CPU, and those of the run's test on a GPU.
        output: .json, .jsonl, .csv or .parquet; with --engine ray a folder of Parquet parts, or an
            address such as s3://bucket/predictions.
        overwrite: replace the output.
        device: cpu or cuda; by default a GPU if there is one.
        backend: torch, compile (by torch.compile), openvino or onnxruntime; by default torch, and
            for an exported file what it was made for.
        precision: fp32, or bf16 for a CPU or a GPU that has it.
        engine: ray predicts with several processes, for very many videos.
        workers: processes of --engine ray.
        address: of a Ray cluster, as auto; by default Ray runs on this machine.
    """
    from snl_video.commands.missing_parts import PART, do_missing
    from snl_video.inference.part_predictor import PartPredictor, Task
    from snl_video.inference.prediction_file import PredictionFile
    from snl_video.inference.prediction_parts import PredictionParts
    from snl_video.inference.recognizer import load_model

    if top < 1:
        raise UsageError(f"--top must be 1 or more, got {top}")
    if engine == "ray" and (output is None or overwrite):
        raise UsageError("--engine ray needs a new or begun --output, and overwrites none")
    paths = list(named_videos(videos))
    recognizer = load_model(model, device=device, backend=backend, precision=precision)
    keep_freed_memory(recognizer.device)
    if views:
        recognizer = recognizer.with_views(views)
    setting = recognizer.viewing.views
    more = "" if views else "; --views 10x3 looks at more"
    console = Console(stderr=True)
    runner = recognizer.engine.name
    runs = "" if runner == "torch fp32" else f", by {runner}"
    console.print(f"{len(paths)} videos, {setting} views of each (clips x crops){runs}{more}")
    settings = {"model": recognizer.source, "backend": runner, "views": str(setting), "top": top}
    if engine == "ray" and output:
        if runner != "torch fp32":
            raise UsageError("--engine ray runs torch in fp32; leave out --backend and --precision")
        task = Task(model, views, device, output, top)
        parts = PredictionParts(output, paths, PART)
        lost = do_missing(
            parts,
            settings,
            RayPool(workers, address, device == "cuda"),
            partial(PartPredictor, task),
            lambda number: (number, parts.names_of(number)),
            console,
        )
        console.print(f"predictions: {output}/part-*.parquet", soft_wrap=True)
        if lost:
            console.print(f"{len(lost)} of {len(paths)} videos could not be read")
        return int(bool(lost))
    kept = PredictionFile(Path(output), settings, overwrite) if output else None
    left = [path for path in paths if not kept or path not in kept.done]
    if kept and kept.done:
        console.print(f"{len(kept.done)} of them were predicted before")
    failed = 0
    count = setting.num_clips * setting.num_crops
    columns = (TextColumn("views"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        views_row = bar.add_task("", total=count * len(left))
        for prediction in recognizer.predict_each(left, top=top):
            bar.advance(views_row, count)
            failed += prediction.label is None
            if kept:
                kept.add(prediction)
            print(prediction, flush=True)
    if kept:
        kept.finish(paths)
        console.print(f"predictions: {kept.file}", soft_wrap=True)
    if failed:
        console.print(f"{failed} of {len(left)} videos could not be read")
    return int(failed > 0)


def main(words: Sequence[str]) -> int | None:
    """Run the command."""
    if len(words) > 2 and not words[1].startswith("-"):
        usage = "MODEL VIDEO ... [--views CxR] [--output FILE] [--top K]"
        names = {"model": None, "videos": "+"}
        return CommandParser("snl-video predict", predict, usage, words=names).call(words)
    video_cli.main(words)
    return None
