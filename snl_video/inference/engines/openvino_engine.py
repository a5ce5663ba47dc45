"""OpenVINO's files, and OpenVINO to run them on a CPU."""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.export import ExportedProgram

from snl_video.errors import InputError
from snl_video.inference.engines.capture import clips_shape
from snl_video.inference.engines.engine import Precision, openvino_package
from snl_video.inference.engines.exported_facts import KEY, ExportedFacts
from snl_video.whole_files import whole_file

HINTS = {"fp32": "f32", "bf16": "bf16"}
"""Precision -> OpenVINO's name; without one it takes bfloat16 wherever the CPU has it."""


class OpenVinoEngine:
    """A network in OpenVINO on the CPU, with as many threads as torch has.

    Args:
        model: an `openvino.Model`.
        precision: of what is not quantised.
    """

    device = torch.device("cpu")

    def __init__(self, model: Any, precision: Precision = "fp32") -> None:
        self.name = f"openvino {precision}"
        settings = {
            "INFERENCE_PRECISION_HINT": HINTS[precision],
            "INFERENCE_NUM_THREADS": torch.get_num_threads(),
            "NUM_STREAMS": 1,
        }
        core = openvino_package().Core()
        self._request = core.compile_model(model, "CPU", settings).create_infer_request()

    @classmethod
    def of_program(
        cls, program: ExportedProgram, precision: Precision = "fp32"
    ) -> "OpenVinoEngine":
        """Return the engine of a captured network."""
        return cls(to_openvino(program), precision)

    @classmethod
    def of_file(
        cls, path: Path, precision: Precision = "fp32"
    ) -> tuple["OpenVinoEngine", ExportedFacts]:
        """Return the engine of a file of `write_openvino`, or of an ONNX file, and its facts.

        Raises:
            InputError: it can't be read, or is another program's.
        """
        core = openvino_package().Core()
        try:
            model = core.read_model(path)
        except RuntimeError as error:
            raise InputError(f"OpenVINO can't read {path}: {error}") from error
        places = [[KEY], ["framework", KEY]]  # of its own files, and of ONNX files
        texts = [model.get_rt_info(place).value for place in places if model.has_rt_info(place)]
        facts = ExportedFacts.from_json(texts[0] if texts else None, path)
        engine = cls(model, precision)
        if facts.precision == "int8":
            engine.name = f"openvino int8, the rest {precision}"
        return engine, facts

    def __call__(self, clips: Tensor) -> Tensor:
        """Map uint8 clips (V, 3, T, S, S) to logits (V, K)."""
        found = self._request.infer([clips.numpy()])
        return torch.from_numpy(next(iter(found.values())).copy())


def to_openvino(program: ExportedProgram) -> Any:
    """Return a captured network as an `openvino.Model`: input `clips`, output `logits`."""
    model = openvino_package().convert_model(program)
    model.reshape(clips_shape(program))
    model.outputs[0].tensor.set_names({"logits"})
    return model


def write_openvino(model: Any, file: Path, facts: ExportedFacts) -> None:
    """Write a model of `to_openvino` with its facts: NAME.xml, and its weights as NAME.bin."""
    openvino = openvino_package()
    model.set_rt_info(facts.to_json(), [KEY])
    weights = file.with_suffix(".bin")
    with whole_file(file) as scratch:
        openvino.save_model(model, scratch, compress_to_fp16=False)
        scratch.with_suffix(".bin").replace(weights)
