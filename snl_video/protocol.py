"""How a video is evaluated, as published results were: one row a protocol.

Two results can be set beside each other only if the same frames were looked at and the same things
were averaged. `docs/explanation/protocols.md` shows the table and says what was verified.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

ProtocolName = Literal["snl_video", "pyslowfast", "mmaction2"]


@dataclass(frozen=True)
class Protocol:
    """What published evaluations do in different ways.

    T is the number of frames of a clip. The data read the first five, the network the last two.

    Attributes:
        frames: of a clip that starts at s. "stepped": s, s + interval, ... "spread": T places from
            s to s + T * interval - 1, both counted, rounded down.
        training_starts: of random clips. "frames": wherever its frames fit. "intervals": wherever T
            whole intervals fit.
        test_starts: of n clips. "ends": the first at the start, the last at the end, a single one
            in the middle. "shares": clip i at i / n of the starts that there are.
        fps: frames a second that an interval is counted in; None counts frames of the file.
        short: how a video shorter than a clip is filled where `data.clip.short` does not say.
        window: side of the windows (stride 1) over which the last feature map is averaged at test
            time, 7 of the 8x8 positions at 256 pixels; None averages all positions.
        softmax: before the mean over these windows ("window"), or after it ("clip").
    """

    frames: Literal["stepped", "spread"] = "stepped"
    training_starts: Literal["frames", "intervals"] = "frames"
    test_starts: Literal["ends", "shares"] = "ends"
    fps: int | None = None
    short: Literal["repeat", "loop"] = "repeat"
    window: int | None = None
    softmax: Literal["window", "clip"] = "clip"


PROTOCOLS: dict[ProtocolName, Protocol] = {
    "snl_video": Protocol(),
    "pyslowfast": Protocol(
        frames="spread",
        training_starts="intervals",
        test_starts="shares",
        fps=30,
        window=7,
        softmax="window",
    ),
    "mmaction2": Protocol(training_starts="intervals", short="loop"),
}
"""Name -> what it does. All average the probabilities of the views of a video."""


def protocol_of(model: Mapping[str, Any]) -> ProtocolName:
    """Return the protocol in the settings of a stored model; those of before have `snl_video`."""
    return model.get("protocol", "snl_video")
