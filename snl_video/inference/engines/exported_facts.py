"""What a file of an exported network says about itself."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from snl_video.errors import InputError
from snl_video.evaluation.views import Activation
from snl_video.inference.stored_model import StoredModel

KEY = "snl_video"
"""Under which the facts stand in a file's metadata, as JSON."""
OF_CLIPS = ("clip", "crop", "views")
"""Settings of a run's data that say how a network looks at a video."""


@dataclass(frozen=True)
class ExportedFacts:
    """What is needed to use an exported network.

    Attributes:
        classes: names of its classes, in the order of the logits.
        data: settings of its clips, crops and views, as in a recipe.
        evaluation: settings of its evaluation, as in a recipe's model.
        source: the checkpoint, or the name of published weights, that it was made of.
        num_frames: T of its clips; None where any will do.
        size: height and width of its clips in pixels.
        activation: from logits to probabilities.
        thresholds: probability from which on each class is there, where a video may show several.
        precision: "fp32", or "int8" where it was quantised.
    """

    classes: list[str]
    data: dict[str, Any]
    evaluation: dict[str, Any]
    source: str
    num_frames: int | None
    size: int
    activation: Activation = "softmax"
    thresholds: Sequence[float] | None = None
    precision: str = "fp32"

    @classmethod
    def of(cls, stored: StoredModel, num_frames: int | None, size: int) -> "ExportedFacts":
        """Return those of a network that is exported."""
        return cls(
            stored.classes,
            {name: stored.data[name] for name in OF_CLIPS if name in stored.data},
            dict(stored.evaluation),
            stored.source,
            num_frames,
            size,
            stored.activation,
            stored.thresholds and list(stored.thresholds),
        )

    @classmethod
    def from_json(cls, text: str | None, file: object) -> "ExportedFacts":
        """Read what `to_json` wrote.

        Raises:
            InputError: the file holds none, or those of another version.
        """
        try:
            return cls(**json.loads(text or "{}"))
        except (TypeError, ValueError) as error:
            raise InputError(
                f"{file} was not written by `snl-video export`, or by another version of it"
            ) from error

    def to_json(self) -> str:
        """Return the facts as one line."""
        return json.dumps(asdict(self))
