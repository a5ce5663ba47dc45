"""`snl-video export`: a trained network as a file of another runtime."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

from rich.console import Console

from snl_video.commands.command_parser import CommandParser
from snl_video.errors import UsageError


def export(
    model: str,
    to: Literal["onnx", "openvino", "torch"],
    output: Path,
    videos: Sequence[Path] = (),
    clips: int = 16,
    int8: bool = False,
    calibration: Path | None = None,
    format: str | None = None,
    calibration_clips: int = 100,
    overwrite: bool = False,
) -> None:
    """Write a network to a file of another runtime, and check that it answers the same.

      snl-video export runs/mine --to onnx --output mine.onnx
      snl-video export runs/mine --to openvino --output mine.xml --int8 true

    The file takes uint8 RGB clips (V, 3, T, S, S), with any V, and knows classes and clip settings.
    A table beside it, FILE.parity.md, compares it with the network in torch.

    Args:
        model: folder of a run, a checkpoint, or kinetics400.
        to: onnx (.onnx), openvino (.xml and .bin) or torch (.pt2, of torch.export).
        output: the file.
        videos: files whose clips are compared; without them generated clips are.
        clips: how many generated clips.
        int8: eight-bit integers, for openvino; accuracy is then measured on the test videos.
        calibration: root of the data set whose training videos calibrate int8 and whose test videos
            measure it; by default that of the run.
        format: how that data set is laid out; by default as that of the run.
        calibration_clips: how many training videos calibrate, one clip of each.
        overwrite: replace the file.
    """
    from snl_video.inference.engines.export_model import check_suffix, export_model
    from snl_video.inference.engines.int8_export import data_of, export_int8
    from snl_video.inference.engines.parity import clips_of_videos, generated_clips, parity_table
    from snl_video.inference.stored_model import read_stored_model
    from snl_video.inference.viewing import Viewing
    from snl_video.whole_files import write_whole

    check_suffix(output, to)
    if output.exists() and not overwrite:
        raise UsageError(f"{output} exists; name another file, or add --overwrite true")
    if int8 and to != "openvino":
        raise UsageError(f"int8 is made for --to openvino, not for {to}")
    stored = read_stored_model(model)
    viewing = Viewing.of_training(stored.data, stored.evaluation).few()
    viewing = replace(viewing, activation=stored.activation)
    data = data_of(stored, calibration, format) if int8 else None
    seen = clips_of_videos(viewing, map(str, videos)) if videos else generated_clips(viewing, clips)
    kind = "of videos" if videos else "generated"
    console = Console(stderr=True)
    with console.status(f"writing {output}"):
        facts, rows = export_model(stored, viewing, to, output, seen)
    length = f"T = {facts.num_frames}" if facts.num_frames else "any T"
    text = f"{stored.source} as {to}: {length}, S = {facts.size}; {rows[0].num_clips} clips, {kind}"
    text = f"{text}\n\n{parity_table(rows)}\n"
    if data:
        with console.status("calibrating, and measuring the accuracy"):
            text += export_int8(stored, viewing, output, facts, data, calibration_clips)
    print(text)
    table = output.with_name(f"{output.name}.parity.md")
    write_whole(table, text)
    print(f"{output}, {table}")


def main(words: Sequence[str]) -> None:
    """Run the command."""
    usage = "MODEL --to onnx|openvino|torch --output FILE [--videos FILE ...] [--int8 true]"
    lists = {"videos": "files whose clips are compared; without them generated clips are"}
    parser = CommandParser("snl-video export", export, usage, words={"model": None}, lists=lists)
    parser.call(words)
