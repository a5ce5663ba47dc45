"""An exported network in eight-bit integers, calibrated and measured on a data set."""

import dataclasses
import inspect
from pathlib import Path

from torch import Tensor

from snl_video.data.datamodule import VideoDataModule
from snl_video.data.datasets import EvalVideos
from snl_video.data.formats import Subset
from snl_video.data.unreadable import BadVideoSettings
from snl_video.errors import UsageError
from snl_video.inference.engines.capture import capture
from snl_video.inference.engines.engine import Engine
from snl_video.inference.engines.exported_facts import ExportedFacts
from snl_video.inference.engines.measured_accuracy import accuracy_table, measure_accuracy
from snl_video.inference.engines.openvino_engine import (
    OpenVinoEngine,
    to_openvino,
    write_openvino,
)
from snl_video.inference.engines.quantisation import quantise
from snl_video.inference.engines.torch_engine import TorchEngine
from snl_video.inference.stored_model import StoredModel
from snl_video.inference.viewing import Viewing


def data_of(stored: StoredModel, root: Path | None, format: str | None) -> VideoDataModule:
    """Return the data set that a network was trained on, or another one with the same classes.

    Args:
        stored: the network, with the settings of its data.
        root: of another data set.
        format: of it.

    Raises:
        UsageError: none is named and the network tells of none, or its classes are others.
    """
    known = inspect.signature(VideoDataModule).parameters
    settings = {name: value for name, value in stored.data.items() if name in known}
    settings |= {"root": str(root)} if root else {}
    settings |= {"format": format} if format else {}
    if "root" not in settings:
        raise UsageError(
            f"int8 needs videos, and {stored.source} tells of none: name a data set with "
            "--calibration ROOT --format NAME"
        )
    data = VideoDataModule(**settings)
    if data.classes != stored.classes:
        raise UsageError(f"the classes of {settings['root']} are not those of {stored.source}")
    return data


def export_int8(
    stored: StoredModel,
    viewing: Viewing,
    file: Path,
    facts: ExportedFacts,
    data: VideoDataModule,
    num_clips: int,
) -> str:
    """Write a network in eight-bit integers over its float file, and measure both.

    Args:
        stored: the network.
        viewing: how it looks at videos.
        file: the .xml.
        facts: what the float file says of itself.
        data: its training videos calibrate, its test videos measure.
        num_clips: training videos, spread evenly over the list, one clip of each.

    Returns:
        What was done, and the accuracies as a Markdown table.
    """
    clips = first_clips(seen_as(viewing, data, "train"), num_clips)
    model = to_openvino(capture(stored.network, viewing.clip.num_frames, viewing.size))
    engines: list[Engine] = [TorchEngine(stored.network, "cpu"), OpenVinoEngine(model)]
    small = quantise(model, clips)
    write_openvino(
        small,
        file,
        dataclasses.replace(facts, precision="int8", num_frames=viewing.clip.num_frames),
    )
    engines.append(OpenVinoEngine.of_file(file)[0])
    rows = measure_accuracy(engines, viewing, seen_as(viewing, data, "test"))
    return (
        f"\nint8 of {len(clips)} clips of the training list, measured on the test list with "
        f"{viewing.views} views a video\n\n{accuracy_table(rows)}\n"
    )


def seen_as(viewing: Viewing, data: VideoDataModule, subset: Subset) -> EvalVideos:
    """Return the views of a subset's videos; one that can't be read has `failed`."""
    return EvalVideos(
        data.video_list(subset),
        viewing.clip,
        viewing.transform,
        viewing.views.num_clips,
        bad_videos=BadVideoSettings(evaluation="wrong"),
        decoding=data.loaders.decoding,
    )


def first_clips(videos: EvalVideos, count: int) -> list[Tensor]:
    """Return one view of each of `count` videos, spread over a list, uint8 (1, 3, T, S, S) each.

    Raises:
        UsageError: none of them can be read.
    """
    numbers = range(0, len(videos), max(1, len(videos) // count))[:count]
    samples = [videos[number] for number in numbers]
    clips = [sample["clips"][:1] for sample in samples if not sample["failed"]]
    if not clips:
        raise UsageError("no training video can be read, and int8 is calibrated on them")
    return clips
