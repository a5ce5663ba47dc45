"""A trained network as a file of another runtime, with a check that it answers the same."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor
from torch.export import ExportedProgram

from snl_video.errors import InputError, UsageError
from snl_video.inference.engines.capture import capture, capture_any_length, clips_shape
from snl_video.inference.engines.engine import Engine, openvino_package
from snl_video.inference.engines.exported_facts import KEY, ExportedFacts
from snl_video.inference.engines.onnx_engine import OnnxEngine, onnx_packages, write_onnx
from snl_video.inference.engines.openvino_engine import (
    OpenVinoEngine,
    to_openvino,
    write_openvino,
)
from snl_video.inference.engines.parity import Parity, compare_engines
from snl_video.inference.engines.torch_engine import TorchEngine
from snl_video.inference.stored_model import StoredModel
from snl_video.inference.viewing import Viewing
from snl_video.whole_files import whole_file


class ExportForm(NamedTuple):
    """A form that networks are exported to.

    Attributes:
        suffix: of its files.
        packages: looks whether what it takes is installed.
        write: writes a captured network with its facts.
        engines: what runs a file that was just written.
    """

    suffix: str
    packages: Callable[[], object]
    write: Callable[[ExportedProgram, Path, ExportedFacts], None]
    engines: Callable[[Path], list[Engine]]


class ProgramEngine:
    """A file of `torch.export` on the CPU; only one that this program wrote, as it may run code."""

    name = "torch.export fp32"
    device = torch.device("cpu")

    def __init__(self, path: Path) -> None:
        self._module = torch.export.load(path).module()

    @torch.inference_mode()
    def __call__(self, clips: Tensor) -> Tensor:
        """Map uint8 clips (V, 3, T, S, S) to logits (V, K)."""
        return self._module(clips)


def _write_program(program: ExportedProgram, file: Path, facts: ExportedFacts) -> None:
    with whole_file(file) as scratch:
        torch.export.save(program, scratch, extra_files={f"{KEY}.json": facts.to_json()})


FORMS = {
    "onnx": ExportForm(
        ".onnx", onnx_packages, write_onnx, lambda path: [OnnxEngine.of_file(path)[0]]
    ),
    "openvino": ExportForm(
        ".xml",
        openvino_package,
        lambda program, file, facts: write_openvino(to_openvino(program), file, facts),
        lambda path: [
            OpenVinoEngine.of_file(path)[0],
            OpenVinoEngine.of_file(path, "bf16")[0],
        ],
    ),
    "torch": ExportForm(".pt2", lambda: None, _write_program, lambda path: [ProgramEngine(path)]),
}
"""Name of a form -> how it is written and run. The first engine of each computes in float32."""


def export_model(
    stored: StoredModel, viewing: Viewing, form: str, file: Path, clips: Iterable[Tensor]
) -> tuple[ExportedFacts, list[Parity]]:
    """Write a network to a file, and compare the file with the network on some clips.

    Args:
        stored: the network.
        viewing: frames and pixels of its clips.
        form: a name in `FORMS`.
        file: of the form's suffix; an OpenVINO one has its weights beside it, in a .bin.
        clips: uint8 (1, 3, T, S, S) each.

    Returns:
        What the file says of itself, and the comparisons, that of the network itself first.

    Raises:
        UsageError: the file has another suffix.
        InputError: a package is missing, or the file answers other than the network by more than
            rounding: then there is no file.
    """
    made = FORMS[form]
    check_suffix(file, form)
    made.packages()
    sizes = viewing.clip.num_frames, viewing.size
    program = capture_any_length(stored.network, *sizes) or capture(stored.network, *sizes)
    num_frames = clips_shape(program)[2]
    facts = ExportedFacts.of(stored, num_frames if num_frames > 0 else None, viewing.size)
    made.write(program, file, facts)
    rows = compare_engines(TorchEngine(stored.network, "cpu"), made.engines(file), clips)
    if not rows[1].equal:
        for path in (file, file.with_suffix(".bin")) if form == "openvino" else (file,):
            path.unlink()
        raise InputError(
            f"the {form} file of {stored.source} gives other logits than the network, by "
            f"{rows[1].largest:.1e} of {rows[1].scale:.3g}, and was removed; use another --to, and "
            "please report this"
        )
    return facts, rows


def check_suffix(file: Path, form: str) -> None:
    """Refuse a file that is not of a form's suffix.

    Raises:
        UsageError: it is not.
    """
    if file.suffix != FORMS[form].suffix:
        raise UsageError(f"--to {form} writes a {FORMS[form].suffix} file; got {file}")
