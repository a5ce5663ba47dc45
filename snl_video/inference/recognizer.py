"""From a checkpoint to an answer: what a video shows, over its whole length or over time."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from snl_video.blocks.pooling import Grid
from snl_video.data.decoding import open_video
from snl_video.errors import InputError, VideoError
from snl_video.evaluation.predictions import Prediction, Predictions, best_classes
from snl_video.evaluation.views import ViewSetting
from snl_video.inference.engines.build_engine import RUN_BY, build_engine, open_engine
from snl_video.inference.engines.engine import Backend, Engine, Precision
from snl_video.inference.engines.exported_facts import ExportedFacts
from snl_video.inference.engines.torch_engine import TorchEngine
from snl_video.inference.stored_model import StoredModel, read_stored_model
from snl_video.inference.video_timeline import Timeline, Windows
from snl_video.inference.viewing import Frames, FrameSource, Viewing
from snl_video.models.feature_tap import HEAD, FeatureTap
from snl_video.models.network import VideoNetwork

Video = str | Path | np.ndarray | Tensor | Iterable[np.ndarray]
"""A file, or frames (T, H, W, 3) uint8 RGB as one array or one after another."""


class Recognizer:
    """A trained network that says what videos show.

    Args:
        network: maps clips to logits; an engine that is no torch is taken as it is.
        classes: names of the logits.
        viewing: which views of a video it sees.
        source: where the network comes from, for messages.
        thresholds: probability from which on each class is there, where a video may show several.
        device: where a network runs; by default a GPU if there is one.

    Attributes:
        engine: what runs the network.
    """

    def __init__(
        self,
        network: VideoNetwork | Engine,
        classes: list[str],
        viewing: Viewing,
        *,
        source: str = "",
        thresholds: Sequence[float] | None = None,
        device: str | torch.device | None = None,
    ) -> None:
        self.engine: Engine = (
            TorchEngine(network, device) if isinstance(network, nn.Module) else network
        )
        self.classes = classes
        self.viewing = viewing
        self.source = source
        self.thresholds = thresholds

    def __repr__(self) -> str:
        clip = self.viewing.clip
        return (
            f"Recognizer({self.source!r}, {len(self.classes)} classes, clips of {clip.num_frames} "
            f"frames x interval {clip.interval} at {self.viewing.size} pixels, "
            f"{self.viewing.views} views, {self.engine.name}, {self.device})"
        )

    @property
    def device(self) -> torch.device:
        """Where it runs."""
        return self.engine.device

    @property
    def network(self) -> VideoNetwork:
        """The network in torch.

        Raises:
            InputError: another runtime runs it.
        """
        if isinstance(self.engine, TorchEngine):
            return self.engine.network
        raise InputError(
            f"{self.engine.name} runs {self.source}, and can't be looked into: load the run or the "
            "checkpoint with backend torch"
        )

    def with_views(self, views: str) -> "Recognizer":
        """Return the same recogniser with other views, clips x crops: `with_views("10x3")`."""
        viewing = replace(self.viewing, views=ViewSetting.parse(views))
        more: dict[str, Any] = {"source": self.source, "thresholds": self.thresholds}
        return Recognizer(self.engine, self.classes, viewing, **more)

    def predict(self, video: Video, *, top: int = 5) -> Prediction:
        """Name the `top` best classes of one video.

        Raises:
            VideoError: a file that cannot be read.
            InputError: frames of another shape or type, or scores that are not finite.
        """
        name = str(video) if isinstance(video, str | Path) else "frames"
        return best_classes(name, self.scores(video), self.classes, top, thresholds=self.thresholds)

    def predict_all(self, videos: Iterable[Video], *, top: int = 5) -> Predictions:
        """Name the best classes of several videos; one that cannot be read says why."""
        return Predictions(self.predict_each(videos, top=top))

    def predict_each(self, videos: Iterable[Video], *, top: int = 5) -> Iterator[Prediction]:
        """Yield what `predict_all` returns, each as soon as it is known."""
        for video in videos:
            try:
                yield self.predict(video, top=top)
            except VideoError as error:
                yield Prediction(str(video), (), str(error))

    def scores(self, video: Video) -> Tensor:
        """Return the probability of every class (K,), float32 on the CPU.

        Raises:
            VideoError, InputError: see `predict`.
        """
        logits = torch.cat([self.logits(part) for part in self.viewing.batches(_opened(video))])
        scores = self.viewing.join(logits)
        if not scores.isfinite().all():
            raise InputError(
                f"the scores of {video if isinstance(video, str | Path) else 'the frames'} are not "
                f"finite: the weights of {self.source} have diverged"
            )
        return scores

    def features(
        self,
        video: Video | FrameSource,
        *,
        place: str = HEAD,
        average: Grid | None = None,
        mirrored: bool = False,
    ) -> Tensor:
        """Return the features of every view, float32 on the CPU.

        Clip by clip, crops of a clip together: (V, C) in front of the last layer, averaged over
        time and space, or (V, C, T', H', W') at another place.

        Args:
            video: see `Video`; or what has frames, as an open file.
            place: see `FeatureTap`, as the next one.
            average: window (T, H, W) of an average over positions.
            mirrored: the V views are followed by their mirror images.

        Raises:
            VideoError, InputError: see `predict`.
            NetworkError: there is no such place.
        """
        tap = FeatureTap(self.network, place, average)
        views = list(self.viewing.batches(_opened(video)))
        if mirrored:
            views += [clips.flip(-1) for clips in views]
        with torch.inference_mode():
            found = [tap(self.network.normalise(clips.to(self.device))) for clips in views]
        return torch.cat([features.float().cpu() for features in found])

    def timeline(
        self, path: str | Path, *, window: float | None = None, stride: float | None = None
    ) -> Timeline:
        """Score a window that slides over a video; each frame is decoded once, few are kept.

        Args:
            path: the file.
            window: seconds; by default what one clip spans. It is seen in the recogniser's views,
                so one window over the whole file scores as `scores` does.
            stride: seconds from one window to the next; by default half a window.

        Raises:
            VideoError: the file cannot be read.
            InputError: a window or a stride that is not positive, or scores that are not finite.
        """
        windows = Windows(path, self.viewing, window, stride)
        scores = [self.clip_scores(clips) for clips in windows]
        return Timeline(str(path), self.classes, windows.seconds, torch.stack(scores))

    def clip_scores(self, clips: Tensor) -> Tensor:
        """Map uint8 clips (num_clips, num_crops, 3, T, S, S) to joint probabilities (K,)."""
        logits = [self.logits(part) for part in self.viewing.split(iter(clips))]
        return self.viewing.join(torch.cat(logits))

    def logits(self, clips: Tensor) -> Tensor:
        """Map uint8 clips (V, 3, T, S, S) to logits (V, K), float32 on the CPU."""
        return self.engine(clips)


def load_model(
    source: str | Path,
    *,
    device: str | torch.device | None = None,
    backend: Backend | None = None,
    precision: Precision = "fp32",
) -> Recognizer:
    """Load a trained network, ready to say what videos show.

    On a CPU it looks at two clips of one crop at most; `with_views("10x3")` takes more.

    Args:
        source: folder of a run (its best checkpoint, else its last), a checkpoint of this package,
            a folder of `snl-video share`, one on the Hugging Face hub ("hf:USER/NAME", or
            "hf:USER/NAME@REVISION"), a file of `snl-video export`, or published weights that are
            fetched once: "kinetics400", Inception-I3D with DeepMind's, or "torchvision:NAME", such
            as "torchvision:mvit_v2_s".
        device: where it runs; by default a GPU if there is one.
        backend: see `build_engine`; by default torch, and for an exported file its own runtime.
        precision: "fp32", or "bf16" for a CPU or a GPU that has it.

    Raises:
        InputError: it is none of these, the published weights can't be fetched, or the backend is
            not installed.
    """
    engine: Engine
    stored: StoredModel | ExportedFacts
    if Path(source).suffix in RUN_BY:
        engine, stored = open_engine(Path(source), backend, precision, device)
        viewing = Viewing.of_training(stored.data, stored.evaluation)
    else:
        stored = read_stored_model(source)
        viewing = Viewing.of_training(stored.data, stored.evaluation)
        sizes = {"num_frames": viewing.clip.num_frames, "size": viewing.size}
        engine = build_engine(stored.network, backend or "torch", precision, device=device, **sizes)
    recognizer = Recognizer(
        engine,
        stored.classes,
        replace(viewing, activation=stored.activation),
        source=stored.source,
        thresholds=stored.thresholds,
    )
    if recognizer.device.type == "cpu":
        recognizer.viewing = recognizer.viewing.few()
    return recognizer


def _opened(video: Video | FrameSource) -> FrameSource:
    if isinstance(video, FrameSource):
        return video
    if isinstance(video, str | Path):
        return open_video(video)
    if not isinstance(video, np.ndarray | Tensor):
        video = np.stack(list(video))
    pixels = torch.as_tensor(video)
    if pixels.ndim != 4 or pixels.shape[-1] != 3 or pixels.dtype != torch.uint8 or not len(pixels):
        raise InputError(
            f"frames must be uint8 (T, H, W, 3), RGB; got {pixels.dtype} {tuple(pixels.shape)}"
        )
    return Frames(pixels)
