"""Files of weights, read without trusting them: nothing that a file names is ever run."""

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor

from snl_video.errors import PretrainedError
from snl_video.weights.safe_reading import archives
from snl_video.weights.safe_reading.arrays import load_arrays

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
        what = "is no regular file" if path.exists() else "does not exist"
        what = "is a folder" if path.is_dir() else what
        raise PretrainedError(f"{path} {what}: name a file, such as .pth, .ckpt or .safetensors")
    try:
        with path.open("rb") as file:
            start = file.read(64)
    except OSError as error:
        raise PretrainedError(f"{path} cannot be read ({error}): check its permissions") from error
    read = _reader(path, start)
    if read is None:
        raise PretrainedError(f"{path} is no file of weights{_what_it_is(start)}")
    try:
        content = read(path)
    except PretrainedError:
        raise
    except Exception as error:  # damaged bytes make the readers raise errors of any type
        reason = (str(error).strip().splitlines() or ["no more bytes"])[0][:200]
        raise PretrainedError(
            f"{path} is cut short or broken ({type(error).__name__}: {reason}): {AGAIN}"
        ) from error
    if problem := _problem(content):
        raise PretrainedError(f"{path}{problem}")
    return dict(content)


def sha256(path: str | Path) -> str:
    """SHA-256 of a file, as 64 hexadecimal digits."""
    digest = hashlib.sha256()
    with Path(path).open("rb") as file:
        while part := file.read(1 << 20):
            digest.update(part)
    return digest.hexdigest()


def _reader(path: Path, start: bytes) -> Callable[[Path], Any] | None:
    """What reads a file that begins with ``start``; None if it is no file of weights."""
    if not start or _known_other(start):
        return None
    if path.suffix == ".safetensors" or start[8:9] == b"{":
        return load_file
    if start.startswith(archives.ZIP):
        return archives.read_zip
    if start.startswith(archives.LEGACY):
        return archives.read_legacy
    return load_arrays if path.suffix == ".pkl" or PICKLE.match(start) else None


def _known_other(start: bytes) -> str | None:
    text = start.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    return next((what for magic, what in NOT_WEIGHTS.items() if text.startswith(magic)), None)


def _what_it_is(start: bytes) -> str:
    if not start:
        return f": it is empty (0 bytes): {AGAIN}"
    if other := _known_other(start):
        return f" but {other}"
    return (
        f": it begins with {start[:8]!r}, and that is neither a zip file or a pickle of "
        f"torch.save, nor .safetensors, nor a pickle of arrays; {AGAIN}"
    )


def _problem(content: Any) -> str | None:
    """What is wrong with the contents of a file, if anything is."""
    remedy = "save the state_dict() of the network"
    if not isinstance(content, Mapping) or not all(isinstance(name, str) for name in content):
        kind = type(content).__name__
        return f" holds a {kind}, not a dictionary of named tensors: {remedy}"
    leaves = list(_leaves(content, "", set()))
    if not leaves:
        keys = ", ".join(map(repr, list(content)[:5])) or "nothing"
        return f" holds no tensor, only {keys}: {remedy}"
    for name, value in leaves:
        if not isinstance(value, Tensor):
            continue
        if value.layout != torch.strided or value.is_quantized or value.device.type != "cpu":
            return (
                f": {name} is no plain tensor ({value.layout}, {value.dtype}, {value.device}): "
                "save it dense, not quantized, from the CPU"
            )
        declared, there = value.numel() * value.element_size(), value.untyped_storage().nbytes()
        if declared > there:
            return (
                f": {name} of {tuple(value.shape)} would take {declared} bytes, but the file has "
                f"{there} for it: save a contiguous copy"
            )
    return None


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
