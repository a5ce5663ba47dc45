"""An engine by the name of its backend, of a network or of an exported file."""

from pathlib import Path

import torch

from snl_video.errors import UsageError
from snl_video.inference.engines.capture import capture
from snl_video.inference.engines.engine import Backend, Engine, Precision, openvino_package
from snl_video.inference.engines.exported_facts import ExportedFacts
from snl_video.inference.engines.onnx_engine import OnnxEngine, onnx_packages
from snl_video.inference.engines.openvino_engine import OpenVinoEngine
from snl_video.inference.engines.torch_engine import TorchEngine
from snl_video.models.network import VideoNetwork

RUN_BY: dict[str, tuple[Backend, ...]] = {
    ".onnx": ("onnxruntime", "openvino"),
    ".xml": ("openvino",),
}
"""Suffix of an exported file -> the backends that run it, the usual one first."""


def build_engine(
    network: VideoNetwork,
    backend: Backend = "torch",
    precision: Precision = "fp32",
    *,
    num_frames: int,
    size: int,
    device: str | torch.device | None = None,
) -> Engine:
    """Return an engine that runs a network.

    Args:
        network: with its weights.
        backend: "torch"; "compile", by `torch.compile`; "openvino" or "onnxruntime", for which the
            network is captured first, in seconds.
        precision: "bf16" is for CPUs and GPUs that have it; others compute it slowly.
        num_frames: T of the clips.
        size: their height and width.
        device: where torch runs it; by default a GPU if there is one. The others take the CPU.

    Raises:
        InputError: the backend is not installed.
        UsageError: it has no such precision, or does not run on the device.
    """
    if backend in ("torch", "compile"):
        return TorchEngine(network, device, precision=precision, compiled=backend == "compile")
    _check(backend, precision, device)
    if backend == "onnxruntime":
        onnx_packages()
        return OnnxEngine.of_program(capture(network.cpu(), num_frames, size))
    openvino_package()
    return OpenVinoEngine.of_program(capture(network.cpu(), num_frames, size), precision)


def open_engine(
    file: Path,
    backend: Backend | None = None,
    precision: Precision = "fp32",
    device: str | torch.device | None = None,
) -> tuple[Engine, ExportedFacts]:
    """Return an engine that runs a file of `snl-video export`, and what the file says of itself.

    Raises:
        InputError: the file is missing or another program's, or the backend is not installed.
        UsageError: the backend does not run such a file, precision or device.
    """
    backends = RUN_BY[file.suffix]
    backend = backend or backends[0]
    if backend not in backends:
        raise UsageError(
            f"{file} is run by {' or '.join(backends)}, not by {backend}; torch takes the run or "
            "the checkpoint that it was made of"
        )
    if not file.is_file():
        raise UsageError(f"there is no file {file}")
    _check(backend, precision, device)
    if backend == "onnxruntime":
        return OnnxEngine.of_file(file)
    return OpenVinoEngine.of_file(file, precision)


def _check(backend: Backend, precision: Precision, device: str | torch.device | None) -> None:
    if torch.device(device or "cpu").type != "cpu":
        raise UsageError(f"{backend} runs on the CPU here, not on {device}; torch runs there")
    if backend == "onnxruntime" and precision != "fp32":
        raise UsageError(
            f"onnxruntime computes in fp32 on a CPU, not in {precision}; openvino and torch do both"
        )
