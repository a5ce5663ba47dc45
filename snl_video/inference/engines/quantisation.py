"""Networks in eight-bit integers, by NNCF for OpenVINO."""

import contextlib
import io
import logging
from collections.abc import Sequence
from typing import Any

from torch import Tensor

from snl_video.inference.engines.engine import openvino_package


def quantise(model: Any, clips: Sequence[Tensor]) -> Any:
    """Return an `openvino.Model` whose convolutions and products take eight-bit integers.

    Their ranges are those that the clips of a calibration set reach, uint8 (1, 3, T, S, S) each.
    What NNCF does not quantise stays in float.

    Raises:
        InputError: NNCF is not installed.
    """
    nncf = openvino_package("nncf")
    logging.getLogger("nncf").setLevel(logging.ERROR)
    dataset = nncf.Dataset(list(clips), lambda clip: clip.numpy())
    with contextlib.redirect_stdout(io.StringIO()):  # it draws progress bars
        return nncf.quantize(model, dataset, subset_size=len(clips))
