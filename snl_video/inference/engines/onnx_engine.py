"""ONNX files, and ONNX Runtime to run them."""

import contextlib
import io
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.export import ExportedProgram

from snl_video.errors import InputError
from snl_video.inference.engines.engine import optional_package
from snl_video.inference.engines.exported_facts import KEY, ExportedFacts
from snl_video.whole_files import whole_file

EXTRA = "export"


class OnnxEngine:
    """A network in ONNX Runtime on the CPU, in float32, with as many threads as torch has.

    Args:
        model: an ONNX model as bytes, or the name of its file.
    """

    name = "onnxruntime fp32"
    device = torch.device("cpu")

    def __init__(self, model: bytes | str) -> None:
        runtime = optional_package("onnxruntime", EXTRA)
        options = runtime.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        self.session = runtime.InferenceSession(model, options, providers=["CPUExecutionProvider"])

    @classmethod
    def of_program(cls, program: ExportedProgram) -> "OnnxEngine":
        """Return the engine of a captured network."""
        return cls(to_onnx(program).SerializeToString())

    @classmethod
    def of_file(cls, path: Path) -> tuple["OnnxEngine", ExportedFacts]:
        """Return the engine of a file of `write_onnx`, and what the file says of itself.

        Raises:
            InputError: it is no ONNX file, or another program's.
        """
        optional_package("onnxruntime", EXTRA)
        try:
            engine = cls(str(path))
        except Exception as error:  # its exceptions have no base of their own
            raise InputError(f"{path} can't be read as an ONNX file: {error}") from error
        text = engine.session.get_modelmeta().custom_metadata_map.get(KEY)
        return engine, ExportedFacts.from_json(text, path)

    def __call__(self, clips: Tensor) -> Tensor:
        """Map uint8 clips (V, 3, T, S, S) to logits (V, K)."""
        (logits,) = self.session.run(["logits"], {"clips": clips.numpy()})
        return torch.from_numpy(logits)


def onnx_packages() -> None:
    """Look whether all is installed that writes and runs ONNX files.

    Raises:
        InputError: it is not.
    """
    for package in ("onnx", "onnxscript", "onnxruntime"):
        optional_package(package, EXTRA)


def to_onnx(program: ExportedProgram) -> Any:
    """Return a captured network as an `onnx.ModelProto`: input `clips`, output `logits`."""
    with contextlib.redirect_stdout(io.StringIO()):  # it tells of its steps
        converted = torch.onnx.export(
            program, (), dynamo=True, input_names=["clips"], output_names=["logits"]
        )
    assert converted is not None
    return converted.model_proto


def write_onnx(program: ExportedProgram, file: Path, facts: ExportedFacts) -> None:
    """Write a captured network with its facts."""
    model = to_onnx(program)
    optional_package("onnx", EXTRA).helper.set_model_props(model, {KEY: facts.to_json()})
    with whole_file(file) as scratch:
        scratch.write_bytes(model.SerializeToString())
