"""Lightning's trainer with a precision that fits the machine."""

from pathlib import Path
from typing import Any, Literal

import torch
from pytorch_lightning import Trainer

Precision = (
    Literal["auto", "32-true", "16-mixed", "bf16-mixed", "64-true", "bf16-true", "16-true"]
    | Literal["64", "32", "16", "bf16", 64, 32, 16]
)
BFLOAT16 = ("amx_bf16", "avx512_bf16")
"""Flags that Linux tells of a CPU with instructions for bfloat16, the faster first."""


class VideoTrainer(Trainer):
    """Lightning's trainer, which `VideoCLI` gives the precision that ``auto`` stands for.

    Args:
        precision: ``auto`` is bf16-mixed where a network is trained on a CPU with instructions for
            bfloat16, and 32-true everywhere else.
        tf32: on a GPU, matrix products of float32 in TensorFloat-32; convolutions are anyway.
    """

    def __init__(
        self, *, precision: Precision | None = None, tf32: bool = False, **kwargs: Any
    ) -> None:
        torch.set_float32_matmul_precision("high" if tf32 else "highest")
        super().__init__(precision=precision, **kwargs)  # type: ignore[arg-type]


def automatic_precision(accelerator: Any, *, training: bool) -> tuple[Precision, str]:
    """Return what ``auto`` stands for here, and why, in words.

    Args:
        accelerator: that of the trainer.
        training: False for an evaluation, whose scores are those of float32.
    """
    gpu = accelerator != "cpu" and (accelerator != "auto" or torch.accelerator.is_available())
    if not training or gpu:
        return "32-true", "an evaluation" if not training else "not on a CPU"
    if unit := bfloat16_unit():
        return "bf16-mixed", f"this CPU has {unit}; --trainer.precision 32-true is exact and slower"
    return "32-true", "this CPU has no instructions for bfloat16"


def bfloat16_unit(cpuinfo: Path = Path("/proc/cpuinfo")) -> str | None:
    """Return the flag of the CPU's instructions for bfloat16, None where Linux tells of none."""
    if not cpuinfo.is_file():
        return None
    lines = cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines()
    flags = next((line.split() for line in lines if line.startswith("flags")), [])
    return next((flag for flag in BFLOAT16 if flag in flags), None)
