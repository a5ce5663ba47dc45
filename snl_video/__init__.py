"""Video action recognition with spectral non-local blocks.

The names below are imported when they are first used, so that `import snl_video` takes no time.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from snl_video.blocks import build_block
    from snl_video.data.datamodule import VideoDataModule
    from snl_video.inference.recognizer import load_model
    from snl_video.inference.sharing import from_hub, push_to_hub, share
    from snl_video.models import insert_blocks
    from snl_video.training.module import VideoClassifier
    from snl_video.weights import build_model

__version__ = "0.2.0"
__all__ = [
    "VideoClassifier",
    "VideoDataModule",
    "build_block",
    "build_model",
    "from_hub",
    "insert_blocks",
    "load_model",
    "push_to_hub",
    "share",
]

_HOMES = {
    "VideoClassifier": "snl_video.training.module",
    "VideoDataModule": "snl_video.data.datamodule",
    "build_block": "snl_video.blocks",
    "build_model": "snl_video.weights",
    "insert_blocks": "snl_video.models",
    "load_model": "snl_video.inference.recognizer",
    "from_hub": "snl_video.inference.sharing",
    "push_to_hub": "snl_video.inference.sharing",
    "share": "snl_video.inference.sharing",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
