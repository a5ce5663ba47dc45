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
        PretrainedError: another kind of zip file, refused because it declares more than
            ``MAX_EXPANSION`` times its size or names what is not data, or a tensor without data.
        Exception: of many types, when it is broken.
    """
    with zipfile.ZipFile(path) as archive:
        infos = archive.infolist()
        members = {info.filename: info.file_size for info in infos}
        root = next(iter(members), "").partition("/")[0] + "/"
        if problem := _problem(path.stat().st_size, infos, root):
            raise PretrainedError(f"{path} {problem}")
        with archive.open(f"{root}data.pkl") as file:
            storages = inspect_pickle(file).storages
    for key, declared in storages.items():
        there = members.get(f"{root}data/{key}", 0)
        _check_size(path, f"the tensor data {key!r}", declared, there)
    return _load(path)


def read_legacy(path: Path) -> Any:
    """Read a file that ``torch.save`` wrote before version 1.6: pickles, then the numbers.

    Raises:
        PretrainedError: it is cut short, or refused because it names what is not data.
        Exception: of many types, when it is broken.
    """
    with path.open("rb") as file:
        storages = [inspect_pickle(file) for _ in range(4)][-1].storages
    _check_size(path, "its tensor data", sum(map(abs, storages.values())), path.stat().st_size)
    return _load(path)


def _problem(size: int, infos: list[zipfile.ZipInfo], root: str) -> str | None:
    """What is wrong with the members of a zip file of ``size`` bytes, if anything is."""
    unpacked, names = sum(info.file_size for info in infos), {info.filename for info in infos}
    if unpacked > MAX_EXPANSION * size:
        return (
            f"refused: its {size} bytes declare {unpacked} bytes unpacked, more than "
            f"{MAX_EXPANSION} times as many; torch.save compresses nothing: save it again"
        )
    if len(names) < len(infos):
        return "refused: it has several files of one name; download again"
    if f"{root}constants.pkl" in names:
        return f"refused: it is a TorchScript program; {NEVER_RUN}"
    if f"{root}data.pkl" not in names:
        return (
            "is a zip file, but not one of torch.save (no data.pkl in it): unpack it and name the "
            "file of weights inside"
        )
    return None


def _check_size(path: Path, what: str, declared: int, there: int) -> None:
    if not 0 <= declared <= there:
        raise PretrainedError(
            f"{path} is cut short or broken: it declares {declared} bytes for {what} and has "
            f"{there}: download it again"
        )


def _load(path: Path) -> Any:
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        if match := re.search(r"GLOBAL (\S+)", str(error)):
            raise PretrainedError(f"{path} refused: {would_call(match[1])}") from error
        raise
