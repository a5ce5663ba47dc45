"""Checkpoints that are written whole or not at all, beside the one before."""

from pathlib import Path
from typing import Any

import torch
from pytorch_lightning.plugins.io import TorchCheckpointIO

from snl_video.errors import InputError
from snl_video.whole_files import previous_of, whole_file


class WholeCheckpoints(TorchCheckpointIO):
    """Lightning's way to save, without the instant in which a file is half written.

    Lightning writes to the folder of temporary files, and copies over the target where that is on
    another file system. This writes beside the target, and keeps the file that was there as
    `NAME.previous.ckpt`.
    """

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any | None = None
    ) -> None:
        """Write it.

        Raises:
            InputError: there is no room, or the folder can't be written to.
        """
        path = Path(path)
        try:
            with whole_file(path, previous_of(path)) as scratch, scratch.open("wb") as file:
                torch.save(checkpoint, file)
        except (OSError, RuntimeError) as error:
            cause = error if isinstance(error, OSError) else error.__context__
            if not isinstance(cause, OSError):
                raise
            kept = f"; the one before it is whole: {path}" if path.exists() else ""
            raise InputError(
                f"{path} can't be written ({cause.strerror}){kept}. Mend that, and go on with the "
                "same command and --resume auto"
            ) from cause
