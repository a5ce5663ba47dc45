"""A frozen network that turns videos into features, and what those features depend on."""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from snl_video.blocks.pooling import Grid
from snl_video.data.decoding import open_video
from snl_video.data.segments import VideoSegment
from snl_video.data.video_list import VideoRecord
from snl_video.errors import InputError, VideoError
from snl_video.evaluation.views import ViewSetting
from snl_video.inference.engines.engine import Precision
from snl_video.inference.recognizer import Recognizer
from snl_video.inference.stored_model import StoredModel, read_stored_model
from snl_video.inference.viewing import Viewing
from snl_video.models.feature_tap import full_name
from snl_video.weights import build_model


@dataclass(frozen=True)
class FeatureSource:
    """Features of videos at one place of a network.

    Attributes:
        recognizer: the network, and how it looks at videos.
        place: of `FeatureTap`, as the next one.
        average: window of an average, or None.
        mirrored: whether mirror images follow the views.
        architecture: what `build_model` made the network of.
        backbone: of a file of weights in another layout, or None.
        precision: "fp32", or "bf16" for products in bfloat16.
    """

    recognizer: Recognizer
    place: str
    average: Grid | None
    mirrored: bool
    architecture: Mapping[str, Any]
    backbone: str | None = None
    precision: Precision = "fp32"

    @classmethod
    def load(
        cls,
        model: str,
        place: str,
        average: Grid | None = None,
        *,
        views: str = "1x1",
        mirrored: bool = False,
        clip: Mapping[str, Any],
        crop: Mapping[str, Any],
        backbone: str | None = None,
        precision: Precision = "fp32",
        device: str | None = None,
    ) -> "FeatureSource":
        """Load a network for its features.

        Args:
            model: see `load_model`; with a backbone a file of weights, see `load_pretrained`.
            place: see `FeatureTap`, as the next one.
            average: window of an average.
            views: clips x crops, as 10x3.
            mirrored: add mirror images.
            clip: num_frames and interval; what is None is as the network was trained.
            crop: short_side and size, likewise.
            backbone: of a file in another layout than this package's.
            precision: "fp32" or "bf16".
            device: by default a GPU if there is one.

        Raises:
            InputError: there is no such model or place, or the setting is a bad one.
        """
        stored = read_origin({"source": model, "backbone": backbone})
        if "probe" in stored.architecture:
            raise InputError(
                f"{model} is a probe; name the network whose features it was trained on"
            )
        viewing = Viewing.of_training(stored.data, stored.evaluation)
        frames = {name: value for name, value in clip.items() if value is not None}
        pixels = {name: value for name, value in crop.items() if value is not None}
        viewing = replace(
            viewing,
            views=ViewSetting.parse(views),
            clip=replace(viewing.clip, **frames),
            **pixels,
        )
        recognizer = Recognizer(
            stored.network, stored.classes, viewing, source=stored.source, device=device
        )
        if precision == "bf16":
            recognizer.network.to(memory_format=torch.channels_last_3d)  # far faster then
        place = full_name(stored.network, place)
        made_of = stored.architecture
        return cls(recognizer, place, average, mirrored, made_of, backbone, precision)

    @property
    def settings(self) -> dict[str, Any]:
        """What the features depend on, as plain values: other settings, other features."""
        viewing = self.recognizer.viewing
        return {
            "weights_sha256": weights_sha256(self.recognizer.network),
            "place": self.place,
            "average": list(self.average) if self.average else None,
            "mirrored": self.mirrored,
            "precision": self.precision,
            "clip": asdict(viewing.clip),
            "short_side": viewing.short_side,
            "size": viewing.size,
            "num_clips": viewing.views.num_clips,
            "num_crops": viewing.views.num_crops,
        }

    @property
    def origin(self) -> dict[str, Any]:
        """From where the network can be loaded again."""
        return {
            "source": self.recognizer.source,
            "backbone": self.backbone,
            "architecture": dict(self.architecture),
        }

    def features(self, record: VideoRecord) -> Tensor:
        """Return the features of every view of a listed video; see `Recognizer.features`.

        Raises:
            VideoError: it is not there, or cannot be read.
        """
        if not record.path:
            raise VideoError(record.id, "it is in the list and not on disk")
        video = open_video(record.path)
        seen = VideoSegment(video, record.segment.frames(video)) if record.segment else video
        bf16 = self.precision == "bf16"
        with torch.autocast(self.recognizer.device.type, torch.bfloat16, enabled=bf16):
            return self.recognizer.features(
                seen, place=self.place, average=self.average, mirrored=self.mirrored
            )

    def describe(self) -> str:
        """Place and views in words."""
        viewing = self.recognizer.viewing
        window = f", averaged {'x'.join(map(str, self.average))}" if self.average else ""
        return (
            f"{self.place}{window}, {viewing.views} views of {viewing.clip.num_frames} frames x "
            f"interval {viewing.clip.interval} at {viewing.size} pixels"
            f"{', each mirrored too' if self.mirrored else ''}"
        )


def read_origin(origin: Mapping[str, Any]) -> StoredModel:
    """Load a network from where `FeatureSource.origin` says.

    Raises:
        InputError: it is not there, or is none.
    """
    backbone = origin["backbone"]
    if backbone is None:
        return read_stored_model(origin["source"])
    architecture: dict[str, Any] = {"backbone": backbone, "num_classes": 1}
    torch.manual_seed(0)  # of the head, which is none of the weights: equal hashes for equal files
    network = build_model(**architecture, pretrained=origin["source"]).eval()
    return StoredModel(network, ["unknown"], {}, {}, origin["source"], architecture=architecture)


def weights_sha256(network: nn.Module) -> str:
    """Hash over the names and numbers of a network, the same whatever file they came from."""
    digest = hashlib.sha256()
    for name, value in sorted(network.state_dict().items()):
        digest.update(f"{name} {value.dtype} {tuple(value.shape)}\n".encode())
        digest.update(value.detach().cpu().contiguous().flatten().view(torch.uint8).numpy())
    return digest.hexdigest()
