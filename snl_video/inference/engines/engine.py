"""What every engine offers, and what it says where its package is absent."""

import sys
from importlib import import_module
from typing import Any, Literal, Protocol

import torch
from torch import Tensor

from snl_video.errors import InputError

Backend = Literal["torch", "compile", "openvino", "onnxruntime"]
Precision = Literal["fp32", "bf16"]


class Engine(Protocol):
    """Maps clips to logits.

    Attributes:
        name: the backend and the precision, for messages and reports.
        device: where it runs.
    """

    name: str
    device: torch.device

    def __call__(self, clips: Tensor) -> Tensor:
        """Map uint8 clips (V, 3, T, S, S) to logits (V, K), float32 on the CPU."""


def optional_package(name: str, extra: str) -> Any:
    """Import a package that an extra of this one brings.

    Raises:
        InputError: it is not installed.
    """
    try:
        return import_module(name)
    except ImportError as error:
        raise InputError(f"this needs {name}: pip install 'snl_video[{extra}]'") from error


def openvino_package(name: Literal["openvino", "nncf"] = "openvino") -> Any:
    """Import OpenVINO or NNCF, without the reports of usage that both send if they can.

    Raises:
        InputError: it is not installed.
    """
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
    return optional_package(name, "openvino")
