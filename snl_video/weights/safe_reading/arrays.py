"""Pickles of NumPy arrays, read without running anything that they name."""

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from snl_video.errors import PretrainedError
from snl_video.weights.safe_reading.pickles import would_call


def load_arrays(path: str | Path, *, encoding: str = "latin1") -> Any:
    """Read a pickle of NumPy arrays, perhaps nested in dictionaries.

    Only the reconstruction of NumPy arrays is admitted: a pickle that names any other function or
    class is refused before that is called.

    Args:
        path: the file.
        encoding: of byte strings written by Python 2.

    Raises:
        PretrainedError: refused, because something else than arrays is in it.
        Exception: of many types, when it is broken.
    """
    with open(path, "rb") as file:
        try:
            return _ArrayUnpickler(file, encoding=encoding).load()
        except _RefusedError as error:
            raise PretrainedError(f"{path} refused: {error}") from None


class _RefusedError(Exception):
    """Something that is no array."""


class _ArrayUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        module = module.replace("numpy.core", "numpy._core")
        _admit((module, name) in ADMITTED, would_call(f"{module}.{name}"))
        return ADMITTED[module, name]


def _admit(condition: bool, otherwise: str) -> None:
    if not condition:
        raise _RefusedError(otherwise)


def _new_array(subtype: type, shape: tuple[int, ...], kind: Any) -> np.ndarray:
    """What NumPy's ``_reconstruct`` does: an empty array, filled by its state."""
    plain = subtype is np.ndarray and tuple(shape) == (0,)
    _admit(plain, f"an array of type {subtype} made with shape {shape}")
    return np.ndarray.__new__(np.ndarray, (0,), kind)


def _new_scalar(dtype: np.dtype, data: bytes) -> Any:
    _admit(not dtype.hasobject, "a scalar that holds objects")
    return np.frombuffer(data, dtype, 1)[0]


def _from_buffer(data: bytes, dtype: np.dtype, shape: tuple[int, ...], order: str) -> np.ndarray:
    """What protocol 5 calls: the data is there before the array is."""
    _admit(order in ("C", "F"), f"an array in the order {order!r}")
    return np.frombuffer(data, dtype).reshape(shape, order=order)  # type: ignore[call-overload]


def _encode(text: str, encoding: str) -> bytes:
    """How Python 3 writes bytes in the old protocols; only for latin1, which can't fail."""
    _admit(encoding == "latin1", f"bytes encoded as {encoding}")
    return text.encode("latin1")


ADMITTED: dict[tuple[str, str], Callable[..., Any]] = {
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
    ("numpy._core.multiarray", "_reconstruct"): _new_array,
    ("numpy._core.multiarray", "scalar"): _new_scalar,
    ("numpy._core.numeric", "_frombuffer"): _from_buffer,
    ("_codecs", "encode"): _encode,
}
"""Module and name in a pickle -> what is called for it; ``numpy.core`` is NumPy's older name."""
