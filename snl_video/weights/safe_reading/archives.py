"""The two containers of ``torch.save``, looked through before torch reads them."""

import pickle
import re
import zipfile
from pathlib import Path
from typing import Any

import torch

from snl_video.errors import PretrainedError
from snl_video.weights.safe_reading.pickles import NEVER_RUN, inspect_pickle, would_call

MAX_EXPANSION = 4
"""Limit on unpacked / packed size of a zip file; ``torch.save`` does not compress at all."""

ZIP = b"PK\x03\x04"
LEGACY = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."
"""The pickled magic number with which ``torch.save`` began its files before version 1.6."""


def read_zip(path: Path) -> Any:
    """Read a zip file of ``torch.save``.

    Raises:
        PretrainedError: broken, another kind of zip file, refused because it declares more than
            ``MAX_EXPANSION`` times its size or names what is not data, or a tensor without data.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            root, members = _members(path, archive)
            with archive.open(f"{root}data.pkl") as file:
                storages = inspect_pickle(file).storages
    except PretrainedError:
        raise
    except Exception as error:
        raise _broken(path, error) from error
    for key, declared in storages.items():
        there = members.get(f"{root}data/{key}", 0)
        if not 0 <= declared <= there:
            raise PretrainedError(
                f"{path} is broken: it declares {declared} bytes for the tensor data {key!r} and "
                f"has {there}; download it again"
            )
    return _load(path)


def read_legacy(path: Path) -> Any:
    """Read a file that ``torch.save`` wrote before version 1.6: pickles, then the numbers.

    Raises:
        PretrainedError: broken, cut short, or refused because it names what is not data.
    """
    try:
        with path.open("rb") as file:
            storages = [inspect_pickle(file) for _ in range(4)][-1].storages
    except Exception as error:
        raise _broken(path, error) from error
    declared, size = sum(map(abs, storages.values())), path.stat().st_size
    if declared > size:
        raise PretrainedError(
            f"{path} is cut short or broken: it declares {declared} bytes of tensor data and has "
            f"{size} in all; download it again"
        )
    return _load(path)


def _members(path: Path, archive: zipfile.ZipFile) -> tuple[str, dict[str, int]]:
    """The folder that holds everything, and name -> unpacked bytes."""
    infos = archive.infolist()
    members = {info.filename: info.file_size for info in infos}
    unpacked, size = sum(info.file_size for info in infos), path.stat().st_size
    if unpacked > MAX_EXPANSION * size:
        raise PretrainedError(
            f"{path} refused: its {size} bytes declare {unpacked} bytes unpacked, more than "
            f"{MAX_EXPANSION} times as many; torch.save compresses nothing: save it again"
        )
    if len(members) < len(infos):
        raise PretrainedError(f"{path} refused: it has several files of one name; download again")
    root = next(iter(members), "").partition("/")[0] + "/"
    if f"{root}constants.pkl" in members:
        raise PretrainedError(f"{path} refused: it is a TorchScript program; {NEVER_RUN}")
    if f"{root}data.pkl" not in members:
        raise PretrainedError(
            f"{path} is a zip file, but not one of torch.save (no data.pkl in it): unpack it and "
            "name the file of weights inside"
        )
    return root, members


def _load(path: Path) -> Any:
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        match = re.search(r"GLOBAL (\S+)", str(error))
        if match is None:
            raise _broken(path, error) from error
        raise PretrainedError(f"{path} {would_call(match[1])}") from error
    except Exception as error:
        raise _broken(path, error) from error


def _broken(path: Path, error: Exception) -> PretrainedError:
    reason = (str(error).strip().splitlines() or ["no more bytes"])[0][:200]
    return PretrainedError(
        f"{path} is cut short or broken ({type(error).__name__}: {reason}): download it again"
    )
