"""Whether engines answer as the network in torch does, and how fast."""

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from snl_video.data.decoding import open_video
from snl_video.inference.engines.engine import Engine
from snl_video.inference.viewing import Viewing
from snl_video.wording import markdown_table

TOLERANCE = 1e-4
"""Largest difference of a float32 logit, of the largest logit where that is above one."""


@dataclass(frozen=True)
class Parity:
    """An engine beside the network in torch.

    Attributes:
        engine: its name.
        num_clips: clips that both saw.
        largest: largest difference of a logit.
        scale: largest logit of the network by magnitude.
        agreed: clips whose best class is the same.
        seconds: of the engine, a clip.
    """

    engine: str
    num_clips: int
    largest: float
    scale: float
    agreed: int
    seconds: float

    @property
    def equal(self) -> bool:
        """Whether they differ by rounding only, in float32."""
        return self.largest <= TOLERANCE * max(1.0, self.scale)


def compare_engines(
    reference: Engine, others: Sequence[Engine], clips: Iterable[Tensor]
) -> list[Parity]:
    """Run engines on clips, uint8 (1, 3, T, S, S) each, and compare them with the first.

    The first clip is seen twice by each, so that no time counts in which an engine gets ready.
    """
    engines = [reference, *others]
    found: list[list[Tensor]] = [[] for _ in engines]
    seconds = [0.0] * len(engines)
    for number, clip in enumerate(clips):
        for i, engine in enumerate(engines):
            if number == 0:
                engine(clip)
            start = time.perf_counter()
            found[i].append(engine(clip))
            seconds[i] += time.perf_counter() - start
    logits = [torch.cat(of_engine) for of_engine in found]
    expected = logits[0]
    return [
        Parity(
            engine.name,
            len(own),
            (own - expected).abs().max().item(),
            expected.abs().max().item(),
            int((own.argmax(1) == expected.argmax(1)).sum()),
            spent / len(own),
        )
        for engine, own, spent in zip(engines, logits, seconds, strict=True)
    ]


def parity_table(rows: Sequence[Parity]) -> str:
    """Return a Markdown table of comparisons, that of the reference first."""
    head = ["engine", "largest difference of a logit", "same best class", "ms a clip", "x torch"]
    body = [
        (
            row.engine,
            f"{row.largest:.1e} of {row.scale:.3g}" if number else "0",
            f"{row.agreed} of {row.num_clips}",
            f"{1e3 * row.seconds:.1f}",
            f"{rows[0].seconds / row.seconds:.2f}",
        )
        for number, row in enumerate(rows)
    ]
    return markdown_table(head, body)


def clips_of_videos(viewing: Viewing, paths: Iterable[str]) -> Iterator[Tensor]:
    """Yield every view of videos, uint8 (1, 3, T, S, S) each.

    Raises:
        VideoError: a file can't be read.
    """
    for path in paths:
        for views in viewing.batches(open_video(path)):
            yield from views.split(1)


def generated_clips(viewing: Viewing, count: int) -> Iterator[Tensor]:
    """Yield clips of coloured patches that fade into others, uint8 (1, 3, T, S, S) each."""
    generator = torch.Generator().manual_seed(0)
    sizes = viewing.clip.num_frames, viewing.size, viewing.size
    for number in range(count):
        coarse = torch.rand(1, 3, 3, 4 + number % 5, 4 + number % 5, generator=generator)
        smooth = F.interpolate(coarse, sizes, mode="trilinear")
        yield (255 * smooth).to(torch.uint8)
