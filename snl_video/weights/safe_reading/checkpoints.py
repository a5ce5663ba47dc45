"""Files of weights, read without trusting them: nothing that a file names is ever run."""

import hashlib
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from snl_video.errors import PretrainedError
from snl_video.weights.safe_reading import archives
from snl_video.weights.safe_reading.arrays import ArrayPickleError, load_arrays

PICKLE = re.compile(rb"\x80[\x02-\x05]")
AGAIN = "download it again"
NOT_WEIGHTS = {
    b"<!doctype": f"a web page, a download that failed; {AGAIN}",
    b"<html": f"a web page, a download that failed; {AGAIN}",
    b"<?xml": f"an XML text, a download that failed; {AGAIN}",
    b"version https://git-lfs": "the pointer of Git LFS to the file; run `git lfs pull`",
    b"\x1f\x8b": "a gzip archive; unpack it first",
    b"\x89hdf": "an HDF5 file; convert it to .safetensors first",
}
"""First bytes, in lower case -> what such a file is and the remedy."""


def read_checkpoint(path: str | Path) -> dict[str, Any]:
    """Read a file of weights on the CPU.

    What a file is, its first bytes tell: the zip files and the older pickles of ``torch.save``
    (.pth, .pyth, .pt, .ckpt; always with ``weights_only=True``), .safetensors, and pickles of
    NumPy arrays (.pkl). The sizes that a file declares are compared with its own size before
    anything is allocated.

    Returns:
        The dictionary in the file, with at least one tensor or array in it or in a dictionary
        below it.

    Raises:
        PretrainedError: absent, empty, broken, cut short, no weights, or refused because it asks
            to run something or unpacks to more than ``archives.MAX_EXPANSION`` times its size.
    """
    path = Path(path)
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "does not exist"
        if path.exists() and not path.is_dir():
            what = "is no regular file"
        raise PretrainedError(f"{path} {what}: name a file, such as .pth, .ckpt or .safetensors")
    try:
        with path.open("rb") as file:
            start = file.read(64)
    except OSError as error:
        raise PretrainedError(f"{path} cannot be read ({error}): check its permissions") from error
    if not start:
        raise PretrainedError(f"{path} is empty (0 bytes): {AGAIN}")
    text = start.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    for magic, what in NOT_WEIGHTS.items():
        if text.startswith(magic):
            raise PretrainedError(f"{path} is no file of weights but {what}")
    return _checked(path, _read(path, start))


def sha256(path: str | Path) -> str:
    """SHA-256 of a file, as 64 hexadecimal digits."""
    digest = hashlib.sha256()
    with Path(path).open("rb") as file:
        while part := file.read(1 << 20):
            digest.update(part)
    return digest.hexdigest()


def _read(path: Path, start: bytes) -> Any:
    if path.suffix == ".safetensors" or start[8:9] == b"{":
        return _read_safetensors(path)
    if start.startswith(archives.ZIP):
        return archives.read_zip(path)
    if start.startswith(archives.LEGACY):
        return archives.read_legacy(path)
    if path.suffix == ".pkl" or PICKLE.match(start):
        try:
            return load_arrays(path)
        except ArrayPickleError as error:
            raise PretrainedError(str(error)) from error
    raise PretrainedError(
        f"{path} is no file of weights: it begins with {start[:8]!r}, and that is neither a zip "
        f"file or a pickle of torch.save, nor .safetensors, nor a pickle of arrays; {AGAIN}"
    )


def _read_safetensors(path: Path) -> dict[str, Tensor]:
    try:
        return load_file(path, device="cpu")
    except SafetensorError as error:
        raise PretrainedError(f"{path} is a broken .safetensors file ({error}): {AGAIN}") from error


def _checked(path: Path, content: Any) -> dict[str, Any]:
    remedy = "save the state_dict() of the network"
    if not isinstance(content, Mapping) or not all(isinstance(name, str) for name in content):
        kind = type(content).__name__
        raise PretrainedError(f"{path} holds a {kind}, not a dictionary of named tensors: {remedy}")
    leaves = list(_leaves(content, "", set()))
    if not leaves:
        keys = ", ".join(map(repr, list(content)[:5])) or "nothing"
        raise PretrainedError(f"{path} holds no tensor, only {keys}: {remedy}")
    for name, value in leaves:
        if isinstance(value, Tensor):
            _check_tensor(path, name, value)
    return dict(content)


def _leaves(
    tree: Mapping[Any, Any], prefix: str, seen: set[int]
) -> Iterator[tuple[str, Tensor | np.ndarray]]:
    """Names and values of the tensors and arrays; a dictionary that holds itself is no trap."""
    seen.add(id(tree))
    for name, value in tree.items():
        if isinstance(value, Tensor | np.ndarray):
            yield f"{prefix}{name}", value
        elif isinstance(value, Mapping) and id(value) not in seen:
            yield from _leaves(value, f"{prefix}{name}.", seen)


def _check_tensor(path: Path, name: str, tensor: Tensor) -> None:
    if tensor.layout != torch.strided or tensor.is_quantized or tensor.device.type != "cpu":
        raise PretrainedError(
            f"{path}: {name} is no plain tensor ({tensor.layout}, {tensor.dtype}, "
            f"{tensor.device}): save it dense, not quantized, from the CPU"
        )
    declared, there = tensor.numel() * tensor.element_size(), tensor.untyped_storage().nbytes()
    if declared > there:
        raise PretrainedError(
            f"{path}: {name} of {tuple(tensor.shape)} would take {declared} bytes, but the file "
            f"has {there} for it: save a contiguous copy"
        )
