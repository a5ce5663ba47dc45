"""Folders of shared networks to and from the Hugging Face hub, or a server like it."""

import os
from pathlib import Path
from typing import Any

from snl_video.errors import FetchError, UsageError
from snl_video.inference.shared_files import CARD, SETTINGS, WEIGHTS, is_shared

PREFIX = "hf:"
"""How a name on the hub begins: ``hf:USER/NAME`` or ``hf:USER/NAME@REVISION``."""


def fetch_shared(name: str) -> Path:
    """Fetch a shared network, or what of it is not kept already.

    Args:
        name: as `PREFIX` says.

    Returns:
        The folder in which ``huggingface_hub`` keeps it.

    Raises:
        FetchError: there is no such network, or no connection.
        UsageError: the name is none, or ``huggingface_hub`` is not installed.
    """
    repository, _, revision = _repository(name).partition("@")
    hub = _hub()
    try:
        folder = Path(
            hub.snapshot_download(
                repository,
                revision=revision or None,
                allow_patterns=[WEIGHTS, SETTINGS, CARD],
                endpoint=os.environ.get("HF_ENDPOINT"),
            )
        )
    except Exception as error:  # of the library, of HTTP and of the disk, which share no class
        raise FetchError(f"{name} could not be fetched: {_one_line(error)}") from error
    if not is_shared(folder):
        raise FetchError(f"{name} holds no {SETTINGS} and {WEIGHTS} of `snl-video share`")
    return folder


def push_folder(folder: Path, name: str, *, private: bool) -> str:
    """Upload a shared network, as the user whom ``huggingface_hub`` knows.

    Args:
        folder: of `write_shared`.
        name: as `PREFIX` says, without a revision; it is made where it is not there.
        private: whether a new one is.

    Returns:
        Where it is.

    Raises:
        FetchError: it could not be uploaded.
        UsageError: see `fetch_shared`.
    """
    repository = _repository(name)
    hub = _hub()
    try:
        api = hub.HfApi(endpoint=os.environ.get("HF_ENDPOINT"))
        api.create_repo(repository, private=private, exist_ok=True)
        done = api.upload_folder(
            repo_id=repository,
            folder_path=folder,
            allow_patterns=[WEIGHTS, SETTINGS, CARD],
            commit_message="Share a network of snl_video",
        )
    except Exception as error:  # see fetch_shared
        raise FetchError(f"{name} could not be uploaded: {_one_line(error)}") from error
    return str(getattr(done, "commit_url", name))


def _repository(name: str) -> str:
    repository = name.removeprefix(PREFIX)
    if repository.count("/") != 1 or not all(repository.split("/")):
        raise UsageError(f"a network on the hub is named {PREFIX}USER/NAME, got {name!r}")
    return repository


def _hub() -> Any:
    try:
        import huggingface_hub
    except ImportError as error:
        raise UsageError(
            f"{PREFIX} needs the package huggingface_hub: pip install 'snl_video[hub]'"
        ) from error
    return huggingface_hub


def _one_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {' '.join(lines[:2]) or 'no reason given'}"
