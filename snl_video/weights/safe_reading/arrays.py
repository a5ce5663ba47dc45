"""Pickles of NumPy arrays, read without running anything that they name."""

import pickle
from pathlib import Path
from typing import Any

import numpy as np

from snl_video.weights.safe_reading.pickles import would_call

ALLOWED = {
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
}
RECONSTRUCT = ("numpy.core.multiarray", "numpy._core.multiarray")
FROM_BUFFER = ("numpy.core.numeric", "numpy._core.numeric")


class ArrayPickleError(ValueError):
    """A pickle that is broken, or that holds more than arrays, numbers and plain containers."""


def load_arrays(path: str | Path, *, encoding: str = "latin1") -> dict[str, Any]:
    """Read a pickled dictionary of NumPy arrays, perhaps nested.

    Only the reconstruction of NumPy arrays is admitted: a pickle that names any other function or
    class is refused before that is called.

    Args:
        path: the file.
        encoding: of byte strings written by Python 2.

    Raises:
        ArrayPickleError: broken, not a dictionary, or something else than arrays in it.
    """
    try:
        with open(path, "rb") as file:
            content = _ArrayUnpickler(file, encoding=encoding).load()
    except ArrayPickleError as error:
        raise ArrayPickleError(f"{path} {error}") from None
    except OSError:
        raise
    except Exception as error:
        raise ArrayPickleError(
            f"{path} is no pickle, or a broken one ({type(error).__name__}: {error}); "
            "download it again"
        ) from error
    if not isinstance(content, dict):
        raise ArrayPickleError(f"{path} holds a {type(content).__name__}, not a dictionary")
    return content


class _ArrayUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) in ALLOWED:
            return ALLOWED[module, name]
        if module in RECONSTRUCT and name == "_reconstruct":
            return _new_array
        if module in RECONSTRUCT and name == "scalar":
            return _new_scalar
        if module in FROM_BUFFER and name == "_frombuffer":
            return _from_buffer
        if (module, name) == ("_codecs", "encode"):
            return _encode
        raise ArrayPickleError(would_call(f"{module}.{name}"))


def _new_array(subtype: type, shape: tuple[int, ...], kind: Any) -> np.ndarray:
    """What ``numpy.core.multiarray._reconstruct`` does: an empty array, filled by its state."""
    if subtype is not np.ndarray or tuple(shape) != (0,):
        raise ArrayPickleError(f"refused: an array of type {subtype} made with shape {shape}")
    return np.ndarray.__new__(np.ndarray, (0,), kind)


def _new_scalar(dtype: np.dtype, data: bytes) -> Any:
    if dtype.hasobject:
        raise ArrayPickleError("refused: a scalar that holds objects")
    return np.frombuffer(data, dtype, 1)[0]


def _from_buffer(data: bytes, dtype: np.dtype, shape: tuple[int, ...], order: str) -> np.ndarray:
    """What protocol 5 calls: the data is there before the array is."""
    if order not in ("C", "F"):
        raise ArrayPickleError(f"refused: an array in the order {order!r}")
    return np.frombuffer(data, dtype).reshape(shape, order=order)  # type: ignore[call-overload]


def _encode(text: str, encoding: str) -> bytes:
    """How Python 3 writes bytes in the old protocols; only for latin1, which can't fail."""
    if encoding != "latin1":
        raise ArrayPickleError(f"refused: bytes encoded as {encoding}")
    return text.encode("latin1")
